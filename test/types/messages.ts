import {
  type ChunkInputOf,
  type ChunkOf,
  defineMessage,
  type InputOf,
  jsonSchema,
  type Message,
  type MessageType,
  type None,
  type OutputOf,
  type ReplyInputOf,
  type ReplyOf,
} from "agentwire";
import { z } from "zod";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const holds = <_T extends true>(): void => {};

const Note = defineMessage("note", z.object({ text: z.string() }));
holds<Same<InputOf<typeof Note>, { text: string }>>();
holds<Same<OutputOf<typeof Note>, { text: string }>>();
holds<Same<ReplyOf<typeof Note>, None>>();
holds<Same<ChunkOf<typeof Note>, never>>();
holds<Same<typeof Note.name, "note">>();

// What is sent and what is handled differ where the schema transforms.
const Ask = defineMessage("ask", z.object({ at: z.coerce.date(), limit: z.number().default(5) }), {
  reply: z.object({ when: z.string().transform(Number) }),
  chunk: z.string().transform((token) => token.length),
});
holds<Same<InputOf<typeof Ask>, { at: unknown; limit?: number | undefined }>>();
holds<Same<OutputOf<typeof Ask>, { at: Date; limit: number }>>();
holds<Same<ReplyInputOf<typeof Ask>, { when: string }>>();
holds<Same<ReplyOf<typeof Ask>, { when: number }>>();
holds<Same<ChunkInputOf<typeof Ask>, string>>();
holds<Same<ChunkOf<typeof Ask>, number>>();

// JSON Schema: inferred from its text, or given.
const Order = defineMessage("order", {
  type: "object",
  properties: {
    id: { type: "string" },
    count: { type: "integer" },
    state: { enum: ["open", "done"] },
    tags: { type: "array", items: { type: "string" } },
    kind: { const: "a" },
    gone: { type: "null" },
    any: {},
  },
  required: ["id", "state"],
});
holds<
  Same<
    OutputOf<typeof Order>,
    { id: string; state: "open" | "done"; count?: number; tags?: string[]; kind?: "a"; gone?: null; any?: unknown }
  >
>();
const Given = defineMessage("given", jsonSchema<{ q: number }>({ type: "object" }));
holds<Same<InputOf<typeof Given>, { q: number }>>();

// A message is told apart by `is` and by its type's name.
declare const message: Message<typeof Note> | Message<typeof Ask>;
if (Note.is(message)) holds<Same<typeof message.payload, { text: string }>>();
if (message.type === "ask") holds<Same<typeof message.payload.at, Date>>();
// @ts-expect-error messages are read only
message.id = "x";

// Every message type is a MessageType.
const all: readonly MessageType[] = [Note, Ask, Order, Given];
void all;

Note.message({ text: "a" }, { to: "x" });
// @ts-expect-error the payload must fit
Note.message({ txt: "a" });

defineMessage("order", z.object({ cents: z.number() }), {
  version: 2,
  upcast: { 1: (old: { euros: number }) => ({ cents: old.euros * 100 }) },
});
// @ts-expect-error no such priority
defineMessage("x", z.string(), { priority: "urgent" });
// @ts-expect-error no unit
defineMessage("x", z.string(), { ttl: "60" });
// @ts-expect-error not a schema
defineMessage("x", "text");
