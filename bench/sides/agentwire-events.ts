import { defineAgent } from "../../src/index.ts";
import { FanOut } from "../harness/fan-out.ts";
import { inFlight } from "../harness/in-flight.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";
import { openBus, payloads, Work } from "./agentwire-setup.ts";

const CONCURRENCY = 256;

/** Publishing on the memory driver to every subscribed agent, 256 awaited at a time. Settings: `driver`, `fanOut`. */
export const agentwireEvents: Side = async (task) => {
  const bus = await openBus(task);
  const payload = payloads(task);
  const options = LEVELS.map((priority) => ({ channel: "bench", priority }));
  const test = new FanOut(task);
  for (const [at, listen] of test.listeners.entries()) {
    const agent = defineAgent({ name: `listener-${at}`, subscribes: ["bench"], concurrency: CONCURRENCY });
    await bus.join(agent.on(Work, (message) => listen(message.payload.sequence)));
  }
  const figures = await test.run((from, to) =>
    inFlight(from, to, 256, (sequence) => bus.publish(Work, payload(sequence), options[levelOf(sequence)]!)),
  );
  await bus.settled();
  await bus.close();
  return figures;
};
