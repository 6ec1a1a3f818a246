import { AgentwireError } from "../../../src/index.ts";
import { Ask, type RequestKind } from "./ask.ts";
import type { Role } from "./role.ts";

/** What an asker is told to do. */
export interface AskingTask {
  readonly name: string;
  /** The agent to ask; what is to be answered too late goes to the one of that name with `-late`. */
  readonly to: string;
  /** One request for each, in this order. */
  readonly kinds: readonly RequestKind[];
  /** Requests under way at once. */
  readonly window: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Asks, and says of each request how it ended and after how long: `ended KIND OUTCOME MILLISECONDS`. */
export const asking: Role<AskingTask> = async (task, around) => {
  const bus = await around.open({ name: task.name });
  let late = 0;
  let last = performance.now();
  bus.events.on("message.late", () => {
    late++;
    last = performance.now();
  });
  around.say("ready");
  let next = 0;
  const line = async (): Promise<void> => {
    for (let number = next++; number < task.kinds.length; number = next++) {
      const kind = task.kinds[number] as RequestKind;
      const key = `${task.name}-${number}`;
      const begun = performance.now();
      const outcome = await bus
        .request(Ask, { key, kind }, { to: kind === "late" ? `${task.to}-late` : task.to, timeout: task.timeout })
        .then(
          (reply) => (reply.text === key ? "answered" : "misled"),
          (error: unknown) => (AgentwireError.is(error) ? error.code : String(error)),
        );
      around.say(`ended ${kind} ${outcome} ${Math.round(performance.now() - begun)}`);
    }
  };
  await Promise.all(Array.from({ length: task.window }, line));
  // What comes too late is still counted, even if its first handler has died.
  last = performance.now();
  while (performance.now() - last < task.timeout + 1_000) await new Promise((resolve) => setTimeout(resolve, 100));
  around.say(`late ${late}`);
  await bus.close();
};
