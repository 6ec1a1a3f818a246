import { defineAgent } from "../../src/index.ts";
import { measureCalls } from "../harness/measure-calls.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";
import { Ask, openBus, payloads } from "./agentwire-setup.ts";

/** Requests and replies within one process, 256 awaited at a time. Settings: `driver`. */
export const agentwireCalls: Side = async (task) => {
  const bus = await openBus(task);
  const payload = payloads(task);
  const answerer = defineAgent({ name: "answerer", concurrency: 256 }).on(Ask, (message) => ({
    sequence: message.payload.sequence,
  }));
  await bus.join(answerer);
  const options = LEVELS.map((priority) => ({ to: "answerer", priority }));
  const figures = await measureCalls(task, (sequence) =>
    bus.request(Ask, payload(sequence), options[levelOf(sequence)]!),
  );
  await bus.close();
  return figures;
};
