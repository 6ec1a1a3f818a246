import type { EngineName } from "../../../scripts/servers/engines.ts";
import type { ServerOptions } from "../../../scripts/servers/server.ts";
import type { WrittenEvent } from "../history-file.ts";
import { judged, type RowResult, type Scale, within } from "../row.ts";
import { ServerScene } from "../server-scene.ts";

/** A fault of a server, or of the way to it. */
export interface ServerFault {
  readonly engine: EngineName;
  readonly server?: ServerOptions;
  readonly strikes: number;
  /** Milliseconds that one of them takes, more or less. */
  readonly length: number;
  /** Most milliseconds until messages are accepted and handed off again. */
  readonly resumesWithin: number;
  /** The server dies. It may then have forgotten a hand-off, which needs no sync: the next is not marked, counted but not judged. */
  readonly serverDies?: boolean;
  /** Breaks something and mends it; resolves with the time of the histories from which all is well. */
  strike(scene: ServerScene, number: number): Promise<number>;
}

/** Least milliseconds between two strikes; longer where the programs have to find a server that was away for seconds. */
const BETWEEN = 500;
const BETWEEN_DEATHS = 2_000;

/** Times of the histories. */
interface Strike {
  readonly begun: number;
  /** From then on all is well. */
  readonly mended: number;
}

/** Errors with which a send may end while the engine is out of reach, is stopped or cannot write. */
const EXPECTED = /^error (INDETERMINATE|REJECTED|TIMEOUT|ENGINE_STATE|STORAGE_FULL|BACKPRESSURE) /;

/** Now, on the clock of the histories. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits. */
export function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length));
}

/** Senders and consumers at work while a fault strikes: nothing is lost, nobody ends, all goes on by itself. */
export async function underLoad(scale: Scale, seed: number, fault: ServerFault): Promise<RowResult> {
  const { strikes, length, resumesWithin, serverDies = false } = fault;
  const between = serverDies ? BETWEEN_DEATHS : BETWEEN;
  const scene = await ServerScene.open(fault.engine, seed, fault.server);
  try {
    const team = Array.from({ length: scale.consumers }, (_, number) =>
      scene.consumer({
        agent: "worker",
        instance: `consumer-${number}`,
        concurrency: 4,
        prefetch: 8,
        lease: scale.lease,
        work: 4,
      }),
    );
    await Promise.all(team.map((consumer) => consumer.says("ready")));
    const each = Math.ceil(scale.messages / scale.senders);
    const senders = await scene.senders(scale.senders, {
      to: "worker",
      until: each,
      largest: scale.largest,
      window: 32,
      // Sending lasts longer than the strikes do.
      rate: Math.ceil((each * 1_000) / (scene.settling + strikes * (length + between + 1_000) + 1_500)),
      priorities: true,
    });
    await pause(scene.settling);
    const times: Strike[] = [];
    for (let number = 0; number < strikes; number++) {
      await pause(between + scene.random() * 500);
      times.push({ begun: now(), mended: await fault.strike(scene, number) });
    }
    await Promise.all(senders.map((sender) => sender.says("done")));
    await scene.drain(2 * scale.lease + 5_000);
    const { verdict, written } = await scene.verdict();
    const result = judged(serverDies ? { ...verdict, unmarked: [] } : verdict);
    if (serverDies) result.figures["unmarked after a death of the server"] = verdict.unmarked.length;
    const isAccepted = (event: WrittenEvent): boolean => event.event === "send" && event.step === "ok";
    const isHandOff = (event: WrittenEvent): boolean => event.event === "hand-off";
    within(result, "longest until a message was accepted again", longest(written, times, isAccepted), resumesWithin);
    within(result, "longest until one was handed off again", longest(written, times, isHandOff), resumesWithin);
    within(result, "longest send", slowestSend(written), length + resumesWithin + 10_000);
    within(result, "programs that ended", team.filter((one) => one.isOver).length, 0);
    const codes = await Promise.all(senders.map((sender) => sender.exited));
    within(result, "senders that failed", codes.filter((code) => code !== 0).length, 0);
    const odd = senders.flatMap(({ lines }) => lines).filter((one) => one.startsWith("error ") && !EXPECTED.test(one));
    if (odd[0] !== undefined) result.broken.push(`${odd.length} sends ended otherwise, such as with ${odd[0]}`);
    return result;
  } finally {
    await scene.close();
  }
}

/** Where the next strike comes before it is so again, it counts up to that one: what comes after is due to that. */
function longest(
  written: readonly WrittenEvent[],
  strikes: readonly Strike[],
  is: (event: WrittenEvent) => boolean,
): number {
  const times = written.filter(is).map(({ at }) => at);
  const next = (since: number, until = Number.POSITIVE_INFINITY): number =>
    times.reduce((least, at) => (at > since && at < least ? at : least), until);
  return Math.max(...strikes.map(({ mended }, number) => next(mended, strikes[number + 1]?.begun) - mended));
}

function slowestSend(written: readonly WrittenEvent[]): number {
  const begun = new Map<string, number>();
  let slowest = 0;
  for (const event of written.filter((one) => one.event === "send").sort((a, b) => a.at - b.at)) {
    if (event.step === "invoke") begun.set(event.key, event.at);
    else slowest = Math.max(slowest, event.at - (begun.get(event.key) ?? event.at));
  }
  return slowest;
}
