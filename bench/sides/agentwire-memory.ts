import { defineAgent } from "../../src/index.ts";
import { inFlight } from "../harness/in-flight.ts";
import { Ledger } from "../harness/ledger.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";
import { leftIn, openBus, payloads, Work } from "./agentwire-setup.ts";

/**
 * The memory that is really in use, in MiB, after a tenth of the messages (`early`) and after all (`late`), and
 * `growth`, their ratio: nothing may pile up per message. Settings: `driver`.
 */
export const agentwireMemory: Side = async (task) => {
  const bus = await openBus(task);
  const payload = payloads(task);
  const options = LEVELS.map((priority) => ({ to: "consumer", priority }));
  const ledger = new Ledger(task.count);
  await bus.join(
    defineAgent({ name: "consumer", concurrency: 128 }).on(Work, (message) => ledger.note(message.payload.sequence)),
  );
  const through = async (from: number, to: number): Promise<number> => {
    await inFlight(from, to, 256, (sequence) => bus.send(Work, payload(sequence), options[levelOf(sequence)]!));
    await ledger.reached(to);
    await bus.settled();
    return inUse();
  };
  const tenth = Math.floor(task.count / 10);
  const early = await through(0, tenth);
  const late = await through(tenth, task.count);
  ledger.check();
  const left = await leftIn(bus, ["consumer"]);
  if (left !== 0) throw new Error(`${left} messages are left`);
  await bus.close();
  return { early, late, growth: late / early };
};

function inUse(): number {
  if (globalThis.gc === undefined) throw new Error("this side needs --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}
