import { type Context, ServiceBroker } from "moleculer";
import { FanOut } from "../harness/fan-out.ts";
import { inFlight } from "../harness/in-flight.ts";
import { measureCalls } from "../harness/measure-calls.ts";
import { filler, type Payload } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";

/** Moleculer's local events, 256 awaited at a time. Settings: `fanOut`. */
export const moleculerEvents: Side = async (task) => {
  const broker = new ServiceBroker({ logger: false });
  const text = filler(task.size);
  const test = new FanOut(task);
  for (const [at, listen] of test.listeners.entries()) {
    // `emit` balances within a group: one group each, so that every listener gets every event.
    const work = { group: `group-${at}`, handler: (context: Context<Payload>) => listen(context.params.sequence) };
    broker.createService({ name: `listener-${at}`, events: { "bench.work": work } });
  }
  await broker.start();
  const figures = await test.run((from, to) =>
    inFlight(from, to, 256, (sequence) => broker.emit("bench.work", { sequence, text })),
  );
  await broker.stop();
  return figures;
};

/** Moleculer's local calls. */
export const moleculerCalls: Side = async (task) => {
  const broker = new ServiceBroker({ logger: false });
  const text = filler(task.size);
  broker.createService({
    name: "bench",
    actions: { ask: (context: Context<Payload>) => ({ sequence: context.params.sequence }) },
  });
  await broker.start();
  const figures = await measureCalls(task, (sequence) => broker.call("bench.ask", { sequence, text }));
  await broker.stop();
  return figures;
};
