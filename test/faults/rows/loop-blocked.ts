import { openScene } from "../open-scene.ts";
import { type Backend, isInProcess, judged, type Row, type Scale, SERVERS, within } from "../row.ts";

const PREFETCH = 8;

/** F19: a consumer's event loop is blocked for longer than its lease. */
export const loopBlockedLong: Row = {
  id: "F19",
  title: "event loop blocked for longer than the lease",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const long = { lease: scale.lease, block: 3 * scale.lease, backend };
    const { result, duplicates, overtaken } = await run(scale, seed, long);
    // A process that is its own engine blocks that too: nobody can take over.
    if (!isInProcess(backend) && duplicates === 0)
      result.broken.push("nothing was taken over, so the row has shown nothing");
    within(result, "duplicates", duplicates, isInProcess(backend) ? 0 : PREFETCH);
    within(result, "begun after another had it", overtaken, 0);
    return result;
  },
};

/** F20: a consumer's event loop is blocked for a part of its lease. */
export const loopBlockedShort: Row = {
  id: "F20",
  title: "event loop blocked for a sixth of the lease",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const { result, duplicates } = await run(scale, seed, { lease: 6 * scale.lease, block: scale.lease, backend });
    within(result, "duplicates", duplicates, 0);
    return result;
  },
};

async function run(
  scale: Scale,
  seed: number,
  { lease, block, backend }: { readonly lease: number; readonly block: number; readonly backend: Backend },
): Promise<{ result: ReturnType<typeof judged>; duplicates: number; overtaken: number }> {
  const scene = await openScene(backend, seed);
  try {
    const task = { agent: "worker", concurrency: 4, prefetch: PREFETCH, lease, work: 10 };
    const team = [
      scene.consumer({ ...task, instance: "blocked", block: { after: 40, length: block } }),
      scene.consumer({ ...task, instance: "free" }),
    ];
    await Promise.all(team.map((one) => one.says("ready")));
    const until = Math.min(scale.messages, 20_000);
    const sender = scene.sender({
      name: "sender",
      to: "worker",
      until,
      largest: scale.largest,
      window: 16,
      rate: Math.ceil(until / ((block + 2_000) / 1_000)),
    });
    await sender.says("done");
    await scene.drain(2 * lease + block);
    const { verdict } = await scene.verdict();
    const { duplicates, overtaken } = verdict.counts;
    return { result: judged(verdict), duplicates, overtaken };
  } finally {
    await scene.close();
  }
}
