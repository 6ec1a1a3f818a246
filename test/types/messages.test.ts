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
import { expect, it } from "vitest";
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

it("a message is told apart by `is` and by its type's name", () => {
  const told = (message: Message<typeof Note> | Message<typeof Ask>): unknown => {
    if (Note.is(message)) {
      holds<Same<typeof message.payload, { text: string }>>();
      return message.payload.text;
    }
    if (message.type === "ask") holds<Same<typeof message.payload.at, Date>>();
    // @ts-expect-error messages are read only
    if (message.id === "") message.id = "x";
    return message.payload.limit;
  };
  expect(told({ type: "note", id: "1", payload: { text: "a" } } as Message<typeof Note>)).toBe("a");
  expect(told({ type: "ask", id: "1", payload: { limit: 5 } } as Message<typeof Ask>)).toBe(5);
});

it("every message type is a MessageType", () => {
  const all: readonly MessageType[] = [Note, Ask, Order, Given];
  expect(all.map((type) => type.hasReply)).toEqual([false, true, false, false]);
});

it("what does not fit does not compile, and is refused where it is run", () => {
  const draft = Note.message({ text: "a" }, { to: "x" });
  // @ts-expect-error the payload must fit; a draft is checked when it is sent
  expect(Note.message({ txt: "a" }).type).toBe(draft.type);
  // @ts-expect-error no such priority
  expect(() => defineMessage("x", z.string(), { priority: "urgent" })).toThrow("priority");
  // @ts-expect-error no unit
  expect(() => defineMessage("x", z.string(), { ttl: "60" })).toThrow("ttl");
  // @ts-expect-error not a schema
  expect(() => defineMessage("x", "text")).toThrow("schema");
  const upcast = { 1: (old: { euros: number }) => ({ cents: old.euros * 100 }) };
  expect(defineMessage("order", z.object({ cents: z.number() }), { version: 2, upcast }).version).toBe(2);
});
