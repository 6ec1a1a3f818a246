import { defineAgent } from "../../../src/index.ts";
import { Ask } from "./ask.ts";
import type { Role } from "./role.ts";

/** What a forger is told to do. */
export interface ForgingTask {
  /** The agent in whose name it would like to answer. */
  readonly agent: string;
}

/** Watches an agent's inbox and answers requests before the agent does, as a foreign program on the same engine could. */
export const forging: Role<ForgingTask> = async ({ agent }, around) => {
  const bus = await around.open({ name: "forger" });
  const engine = await around.engine();
  const seen = new Set<string>();
  let over = false;
  const presence = await bus.join(defineAgent({ name: "forger" }));
  void presence.closed.then(() => (over = true));
  around.say("ready");
  const forge = async (): Promise<void> => {
    while (!over) {
      const inbox = await bus.inboxes.get(agent, { peek: 1_000 });
      for (const { message } of inbox?.messages ?? []) {
        const { replyInbox, id, payload, conversationId } = message;
        if ((payload as { kind?: string }).kind !== "forge" || replyInbox === undefined || seen.has(id)) continue;
        seen.add(id);
        const forged = {
          v: 1,
          id: `forged-${id}`,
          type: `${Ask.name}.reply`,
          version: 1,
          from: "forger",
          priority: "critical",
          createdAt: around.now(),
          conversationId,
          inReplyTo: id,
          headers: {},
          payload: { text: "forged" },
        } as const;
        await engine.publish([{ message: forged, to: [replyInbox] }]);
        around.say(`forged ${id}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  forge().catch((error: unknown) => around.say(String(error)));
};
