import { defineAgent } from "../../../src/index.ts";
import { Ask, Early } from "./ask.ts";
import type { Role } from "./role.ts";

/** What an answerer is told to do. */
export interface AnsweringTask {
  readonly agent: string;
  /** Milliseconds. */
  readonly lease: number;
  /** Milliseconds after which an answer is too late. */
  readonly timeout: number;
}

/** Answers as each request asks for. */
export const answering: Role<AnsweringTask> = async (task, around) => {
  const bus = await around.open();
  const options = { concurrency: 32, lease: task.lease };
  await bus.join(
    defineAgent({ ...options, name: task.agent }).on(Ask, async ({ payload }, context) => {
      const { key, kind } = payload;
      if (kind === "twice") await context.reply(Early, { text: key });
      if (kind === "die" && context.attempt === 1) process.exit(9);
      if (kind === "forge") await new Promise((resolve) => setTimeout(resolve, 150));
      return { text: key };
    }),
  );
  // Apart, because what is held at two deaths is handed out alone the next time: it would keep the others waiting.
  await bus.join(
    defineAgent({ ...options, name: `${task.agent}-late` }).on(Ask, async ({ payload: { key } }) => {
      await new Promise((resolve) => setTimeout(resolve, task.timeout + 100));
      return { text: key };
    }),
  );
  around.say("ready");
};
