import { defineAgent } from "../../src/index.ts";
import { inFlight } from "../harness/in-flight.ts";
import { Ledger } from "../harness/ledger.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import { numberSetting, type Side } from "../harness/task.ts";
import { leftIn, openBus, payloads, Work } from "./agentwire-setup.ts";

const NAME = "consumer";

/**
 * Sends, then handles, so many messages while others lie in the inbox: rates `send` and `drain`, and `rss`, the most
 * memory the process had resident, in MiB. Settings: `driver`, `backlog`.
 */
export const agentwireBacklog: Side = async (task) => {
  const backlog = numberSetting(task, "backlog");
  const { count } = task;
  const bus = await openBus(task);
  const payload = payloads(task);
  const options = LEVELS.map((priority) => ({ to: NAME, priority }));
  let handled = (_sequence: number): void => {};
  const agent = defineAgent({ name: NAME, concurrency: 256, capacity: 10_000_000 }).on(
    Work,
    ({ payload: { sequence } }) => handled(sequence),
  );
  // Known but away: what is sent now waits for it.
  const first = await bus.join(agent);
  await first.leave();
  for (let sent = 0; sent < backlog; sent += 500) {
    const drafts = Array.from({ length: Math.min(500, backlog - sent) }, (_, at) =>
      Work.message(payload(sent + at), options[levelOf(sent + at)]!),
    );
    for (const result of await bus.sendMany(drafts)) if (result.status === "rejected") throw result.reason;
  }
  const warm = Math.floor(count / 5);
  const send = (sequence: number) => bus.send(Work, payload(backlog + sequence), options[levelOf(sequence)]!);
  await inFlight(0, warm, 256, send);
  const sending = performance.now();
  await inFlight(warm, count, 256, send);
  const sent = performance.now();

  const ledger = new Ledger(backlog + count);
  let draining = 0;
  handled = (sequence) => {
    ledger.note(sequence);
    if (ledger.arrived === warm) draining = performance.now();
  };
  const running = await bus.join(agent);
  await ledger.reached(count);
  const drained = performance.now();
  const rss = process.resourceUsage().maxRSS / 1024;
  await running.leave();
  const left = await leftIn(bus, [NAME]);
  await bus.close();
  ledger.checkNoneTwice();
  if (left !== backlog + count - ledger.arrived)
    throw new Error(`${left} messages are left of ${backlog + count}, ${ledger.arrived} were handled`);
  const rate = (took: number): number => ((count - warm) * 1000) / took;
  return { send: rate(sent - sending), drain: rate(drained - draining), rss };
};
