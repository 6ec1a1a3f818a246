import { readdirSync, readFileSync } from "node:fs";
import { openScene } from "../open-scene.ts";
import type { Actor } from "../program.ts";
import { judged, type Row, type Scale, SERVERS, within } from "../row.ts";
import type { Scene } from "../scene.ts";
import { ServerScene } from "../server-scene.ts";
import { now, pause } from "./under-load.ts";

/** Messages a second, of all senders together. */
const RATE = 150;
/** What a process may grow by from the third quarter of the run to the last. */
const MOST_GROWTH = 16 * 1024 * 1024;
/** Until it is full, the page cache of an SQLite connection grows, with whatever it writes. */
const PAGE_CACHE = 32 * 1024 * 1024;
const MOST_HANDLES = 8;

/** What a process takes at one moment. */
interface Sample {
  readonly at: number;
  readonly resident: number;
  readonly handles: number;
}

type Measure = (sample: Sample) => number;

interface Soaked {
  readonly scene: Scene;
  /** Killed and replaced; the others stay for the whole run. */
  victim: Actor;
  consumer(): Actor;
}

type Strike = (soaked: Soaked) => Promise<void>;

const consumerDies: Strike = async (soaked) => {
  await soaked.victim.kill();
  soaked.victim = soaked.consumer();
  await soaked.victim.says("ready");
};

/** What strikes where a server is between them: F3, F6 and F8, some seconds each. */
const ofServers: readonly ((scene: ServerScene) => Promise<void>)[] = [
  async ({ server, random }) => {
    await server.kill();
    await pause(200 + random() * 600);
    await server.start();
  },
  async ({ server, random }) => {
    server.freeze();
    await pause(500 + random() * 2_500);
    server.thaw();
  },
  async ({ proxy }) => {
    for (let cuts = 0; cuts < 10; cuts++) {
      proxy.cut();
      await pause(200);
    }
  },
];

/** F27: half an hour under a mixed load, with kills, stops and cuts at random; nothing is lost, and nothing grows. */
export const soak: Row = {
  id: "F27",
  title: "soak under a mixed load, with faults at random",
  quick: false,
  on: ["sqlite", ...SERVERS],
  async run(scale, seed, backend) {
    const length = isFull(scale) ? 30 * 60_000 : 30_000;
    const scene = await openScene(backend, seed);
    try {
      let started = 0;
      const consumer = (): Actor =>
        scene.consumer({
          agent: "worker",
          instance: `consumer-${started++}`,
          concurrency: 4,
          prefetch: 8,
          lease: scale.lease,
          work: 4,
        });
      const lasting = Array.from({ length: scale.consumers - 1 }, consumer);
      const soaked: Soaked = { scene, victim: consumer(), consumer };
      await Promise.all([...lasting, soaked.victim].map((one) => one.says("ready")));
      const rate = RATE / scale.senders;
      const senders = await scene.senders(scale.senders, {
        to: "worker",
        until: Math.ceil((length / 1_000) * rate),
        largest: scale.largest,
        window: 32,
        rate,
        priorities: true,
        ttl: 60_000,
        expireEvery: 10,
      });
      const watched = [...lasting, ...senders];
      const samples = new Map<Actor, Sample[]>(watched.map((actor) => [actor, []]));
      const strikes = scene instanceof ServerScene ? ofServers : [];
      const begun = now();
      const ends = begun + length;
      let struck = 0;
      while (now() < ends) {
        await pause(isFull(scale) ? 5_000 + scene.random() * 10_000 : 1_000 + scene.random() * 3_000);
        const which = Math.floor(scene.random() * (strikes.length + 1));
        const strike = strikes[which];
        if (strike && scene instanceof ServerScene) await strike(scene);
        else await consumerDies(soaked);
        struck++;
        for (const [actor, taken] of samples) if (!actor.isOver) taken.push(sampleOf(actor.pid));
      }
      await Promise.all(senders.map((sender) => sender.says("done")));
      await scene.drain(2 * scale.lease + 10_000);
      const { verdict } = await scene.verdict();
      // A server that died may have forgotten hand-offs, which need no sync.
      const result = judged(strikes.length > 0 ? { ...verdict, unmarked: [] } : verdict);
      result.figures["minutes"] = Math.round((now() - begun) / 6_000) / 10;
      result.figures["strikes"] = struck;
      const grown = (actors: readonly Actor[], of: Measure): number =>
        Math.max(...actors.map((actor) => growthOf(samples.get(actor) ?? [], { of, from: begun + length / 2 })));
      // In a short run what grows is the compiled code.
      const bound = MOST_GROWTH + (backend === "sqlite" ? PAGE_CACHE : 0);
      const most = isFull(scale) ? bound : Number.POSITIVE_INFINITY;
      for (const [who, actors] of [
        ["consumer", lasting],
        ["sender", senders],
      ] as const) {
        within(
          result,
          `most bytes that a ${who} grew by`,
          grown(actors, ({ resident }) => resident),
          most,
        );
        within(
          result,
          `most handles that a ${who} grew by`,
          grown(actors, ({ handles }) => handles),
          MOST_HANDLES,
        );
      }
      within(result, "consumers that ended", lasting.filter((one) => one.isOver).length, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};

const isFull = ({ strikes }: Scale): boolean => strikes > 2;

function sampleOf(pid: number): Sample {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return { at: now(), resident: Number(resident) * 1_024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * What a process has grown by in the second half of the run: the least in its second half over the least in its first, so
 * that it does not matter when garbage was last collected.
 */
function growthOf(samples: readonly Sample[], { of, from }: { readonly of: Measure; readonly from: number }): number {
  const late = samples.filter(({ at }) => at > from);
  const middle = (from + (late.at(-1)?.at ?? from)) / 2;
  const least = (taken: readonly Sample[]): number => Math.min(...taken.map(of));
  return least(late.filter(({ at }) => at > middle)) - least(late.filter(({ at }) => at <= middle));
}
