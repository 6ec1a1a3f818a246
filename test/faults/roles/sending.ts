import { AgentwireError, PRIORITIES } from "../../../src/index.ts";
import { HistoryWriter, readHistory } from "../history-file.ts";
import { digestOf, Job, jobFor } from "./job.ts";
import type { Role } from "./role.ts";

/** What a sender is told to do. */
export interface SenderTask {
  readonly history: string;
  readonly name: string;
  readonly to: string;
  readonly seed: number;
  /** Sends messages number `from` up to and without `until`. */
  readonly from?: number;
  readonly until: number;
  /** Bytes of the largest payload. */
  readonly largest: number;
  /** Sends under way at once. */
  readonly window: number;
  /** Messages a second; 0: as fast as it goes. */
  readonly rate: number;
  /** All five priorities in turn; otherwise `normal` only. */
  readonly priorities?: boolean;
  /** Milliseconds to live of every `expireEvery`th message. */
  readonly ttl?: number;
  readonly expireEvery?: number;
  /** Send each message so many times at once. */
  readonly copies?: number;
  /** Also send again what was answered before. */
  readonly repeat?: boolean;
}

/** Sends a row of messages and writes down what became of each; played again, it repeats those that were never answered. */
export const sending: Role<SenderTask> = async (task, around) => {
  const answered = new Set(
    readHistory(task.history).flatMap((event) => (event.event === "send" && event.step === "ok" ? [event.key] : [])),
  );
  const history = new HistoryWriter(task.history);
  const bus = await around.open({ name: task.name });
  around.say("ready");

  let next = task.from ?? 0;
  let duplicates = 0;
  const started = performance.now();

  const send = async (number: number): Promise<void> => {
    const key = `${task.name}-${number}`;
    if (answered.has(key) && !task.repeat) return;
    const payload = jobFor(key, task.seed, task.largest);
    const priority = task.priorities
      ? (PRIORITIES[number % PRIORITIES.length] as (typeof PRIORITIES)[number])
      : "normal";
    const ttl = task.ttl !== undefined && number % (task.expireEvery ?? 1) === 0 ? task.ttl : undefined;
    history.note({
      event: "send",
      step: "invoke",
      key,
      sender: task.name,
      recipients: [task.to],
      lane: priority,
      digest: digestOf(payload),
    });
    const options = { to: task.to, priority, idempotencyKey: key, ...(ttl === undefined ? {} : { ttl }) };
    const sentAt = around.now();
    await Promise.all(
      Array.from({ length: task.copies ?? 1 }, async () => {
        try {
          const receipt = await bus.send(Job, payload, options);
          history.note({
            event: "send",
            step: "ok",
            key,
            sender: task.name,
            id: receipt.id,
            ...(ttl === undefined ? {} : { expiresAt: sentAt + ttl }),
          });
          if (receipt.duplicate) duplicates++;
        } catch (error) {
          // Its bus was closed under it: nothing more can be sent.
          if (AgentwireError.is(error, "CLOSED")) next = task.until;
          const unsure = !AgentwireError.is(error) || error.code === "INDETERMINATE";
          history.note({ event: "send", step: unsure ? "unknown" : "fail", key, sender: task.name });
          around.say(`error ${AgentwireError.is(error) ? `${error.code} ${error.message}` : String(error)}`);
        }
      }),
    );
  };

  const line = async (): Promise<void> => {
    for (let number = next++; number < task.until; number = next++) {
      if (task.rate > 0) {
        const wait = started + ((number - (task.from ?? 0)) * 1_000) / task.rate - performance.now();
        if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      }
      await send(number);
    }
  };

  await Promise.all(Array.from({ length: task.window }, line));
  around.say(`done ${duplicates}`);
  await bus.close();
};
