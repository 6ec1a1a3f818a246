import { openScene } from "../open-scene.ts";
import { type Backend, judged, type Row, SAFE_LEASE, SERVERS, within } from "../row.ts";

const INSTANCES = 10;
/** What one of ten takes, in hundredths of all. */
const LEAST = 8;
const MOST = 12;

/** Ten instances of one agent, each a process, share what comes evenly; four get more done than one. */
export const sharing: Row = {
  id: "sharing",
  title: "ten instances of one agent share its messages",
  quick: false,
  on: ["sqlite", ...SERVERS],
  async run(scale, seed, backend) {
    const messages = scale.strikes > 2 ? 5_000 : 1_500;
    const ten = await shared({ backend, seed, messages, instances: INSTANCES });
    const result = judged(ten.verdict);
    within(result, "duplicates", ten.verdict.counts.duplicates, 0);
    const shares = ten.taken.map((count) => (100 * count) / messages);
    within(result, "most that one took, in %", Math.max(...shares), MOST);
    result.figures["least that one took, in %"] = Math.round(Math.min(...shares) * 10) / 10;
    if (Math.min(...shares) < LEAST)
      result.broken.push(`one of ten took ${Math.min(...shares)} %, at least ${LEAST} wanted`);
    const [one, four] = [
      await shared({ backend, seed, messages, instances: 1 }),
      await shared({ backend, seed, messages, instances: 4 }),
    ];
    result.figures["messages a second with one, four and ten"] = [one, four, ten]
      .map(({ rate }) => Math.round(rate))
      .join(", ");
    if (four.rate <= one.rate) result.broken.push("four instances got no more done than one");
    return result;
  },
};

/** What waits is handed to so many instances, all of which are there before it begins. */
async function shared(of: {
  readonly backend: Backend;
  readonly seed: number;
  readonly messages: number;
  readonly instances: number;
}) {
  const scene = await openScene(of.backend, of.seed);
  try {
    const team = Array.from({ length: of.instances }, (_, number) =>
      scene.consumer({
        agent: "worker",
        instance: `consumer-${number}`,
        concurrency: 4,
        prefetch: 4,
        lease: SAFE_LEASE,
        // 10 ms in the mean.
        work: 20,
      }),
    );
    await Promise.all(team.map((one) => one.says("ready")));
    const bus = await scene.bus();
    await bus.inboxes.pause("worker");
    const senders = await scene.senders(1, { to: "worker", until: of.messages, largest: 256, window: 64, rate: 0 });
    await Promise.all(senders.map((sender) => sender.says("done")));
    await bus.inboxes.resume("worker");
    await scene.drain(2 * SAFE_LEASE);
    const { verdict, written } = await scene.verdict();
    const handOffs = written.filter((event) => event.event === "hand-off");
    const taken = team.map((_, number) => handOffs.filter(({ instance }) => instance === `consumer-${number}`).length);
    const times = handOffs.map(({ at }) => at).sort((a, b) => a - b);
    const rate = (1_000 * handOffs.length) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
    return { verdict, taken, rate };
  } finally {
    await scene.close();
  }
}
