import { EventEmitter } from "node:events";
import Emittery from "emittery";
import { FanOut } from "../harness/fan-out.ts";
import { inFlight } from "../harness/in-flight.ts";
import { filler, type Payload } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";

/** emittery, an asynchronous emitter, 256 awaited at a time. Settings: `fanOut`. */
export const emittery: Side = (task) => {
  const emitter = new Emittery<{ work: Payload }>();
  const text = filler(task.size);
  const test = new FanOut(task);
  // Version 2 hands listeners an event with the data in it, version 1 the data.
  for (const listen of test.listeners)
    emitter.on("work", (event) => listen(("data" in event ? (event.data as Payload) : event).sequence));
  return test.run((from, to) => inFlight(from, to, 256, (sequence) => emitter.emit("work", { sequence, text })));
};

/** Node's own EventEmitter: nothing awaited, nothing checked, the ceiling of one process. Settings: `fanOut`. */
export const eventEmitter: Side = (task) => {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const text = filler(task.size);
  const test = new FanOut(task);
  for (const listen of test.listeners) emitter.on("work", (payload: Payload) => listen(payload.sequence));
  return test.run((from, to) => {
    for (let sequence = from; sequence < to; sequence++) emitter.emit("work", { sequence, text });
  });
};
