import { defineMessage, jsonSchema } from "../../../src/index.ts";

/** What becomes of a request: its handler answers, answers too late, twice, dies with its process at the first attempt, or a third one answers before. */
export type RequestKind = "plain" | "late" | "twice" | "die" | "forge";

const text = { type: "string" } as const;

/** The request of a fault run; its reply is its key. */
export const Ask = defineMessage(
  "ask",
  jsonSchema<{ readonly key: string; readonly kind: RequestKind }>({
    type: "object",
    properties: { key: text, kind: text },
    required: ["key", "kind"],
  }),
  { reply: jsonSchema<{ readonly text: string }>({ type: "object", properties: { text }, required: ["text"] }) },
);

/** Sent by a handler before it returns its reply, as a reply of its own. */
export const Early = defineMessage(
  "early",
  jsonSchema<{ readonly text: string }>({ type: "object", properties: { text }, required: ["text"] }),
);
