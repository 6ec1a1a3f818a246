import { DiskScene } from "../disk-scene.ts";
import type { WrittenEvent } from "../history-file.ts";
import type { Actor } from "../program.ts";
import { judged, type Row, within } from "../row.ts";
import { SMALL_DISKS } from "../small-disk.ts";

const EVERY = 20;
// More than the consumers can keep up with, so that some is always in their hands.
const WORK = 50;
// The log may just have had room, and its index none: then nobody knows whether the message is stored.
const FULL = /^error (STORAGE_FULL|INDETERMINATE) .* the disk under \S+ is full$/;
// What the sender had under way when it was told to stop.
const CLOSING = /^error CLOSED /;

/** F11, and F17 with it: the disk is full for a while, so that nothing can be sent, acknowledged or given up. */
export const diskFull: Row = {
  id: "F11",
  title: "disk full, for messages, acks and dead letters alike, then freed",
  quick: true,
  needs: SMALL_DISKS,
  run: async (scale, seed) => {
    const scene = new DiskScene(seed, scale.largest > 10_000 ? 2_048 : 256);
    try {
      let started = 0;
      const consumer = (): Actor => {
        const instance = `consumer-${started++}`;
        const task = { agent: "worker", instance, concurrency: 4, lease: scale.lease, every: EVERY, work: WORK };
        return scene.start("rejecting", { ...task, history: `${scene.folder}/${instance}.history` });
      };
      const team = Array.from({ length: scale.consumers }, consumer);
      await Promise.all(team.map((program) => program.says("ready")));
      const count = Math.min(20_000, scale.messages);
      const task = { name: "sender-0", to: "worker", largest: scale.largest, window: 32 };
      // However slow the machine is, it has to go on until the last strike is over.
      const until = Number.MAX_SAFE_INTEGER;
      const sender = scene.sender({ ...task, until, rate: count / (scale.strikes * 3) });
      const resumed: number[] = [];
      for (let strike = 1; strike <= scale.strikes; strike++) {
        await sent(() => scene.written(), now());
        const before = refusals(sender).length;
        scene.disk.fill();
        while (refusals(sender).length === before) await pause(20);
        await pause(1_000);
        const last = strike === scale.strikes;
        if (last) await team[0]?.kill();
        scene.disk.free();
        const freed = now();
        if (last) team[0] = consumer();
        resumed.push((await sent(() => scene.written(), freed)) - freed);
      }
      sender.signal("SIGTERM");
      await sender.exited;
      // The slowest settle is tried again after 10 s.
      await scene.drain(2 * scale.lease + 12_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      const bus = await scene.bus();
      const kept = await bus.deadLetters.list({ limit: 1_000_000 });
      const accepted = written.flatMap((event) => (event.event === "send" && event.step === "ok" ? [event.key] : []));
      const givenUp = accepted.filter((key) => Number(key.split("-").at(-1)) % EVERY === 0);
      result.figures["alerts"] = team.reduce((sum, { lines }) => sum + lines.filter(isAlert).length, 0);
      if (result.figures["alerts"] === 0) result.broken.push("no consumer was told of a refused settle");
      const others = refusals(sender).filter((line) => !FULL.test(line) && !CLOSING.test(line));
      within(result, "refusals for another reason", others.length, 0);
      if (others.length > 0) result.broken.push(others[0] as string);
      within(result, "dead letters missing or too many", Math.abs(kept.length - givenUp.length), 0);
      within(result, "programs that ended", team.filter((one) => one.isOver).length, 0);
      within(result, "longest until a message was accepted again", Math.max(...resumed), 15_000);
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** When a message was accepted after a moment. */
async function sent(written: () => readonly WrittenEvent[], after: number): Promise<number> {
  for (;;) {
    const found = written().find((event) => event.event === "send" && event.step === "ok" && event.at > after);
    if (found) return found.at;
    await pause(50);
  }
}

/** On the clock of the histories. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function refusals({ lines }: Actor): string[] {
  return lines.filter((line) => line.startsWith("error "));
}

function isAlert(line: string): boolean {
  return line.startsWith("alert ");
}

function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length));
}
