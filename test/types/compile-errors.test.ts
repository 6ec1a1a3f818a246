import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../scripts/check/compile.ts";

const HEAD = `import { z } from "zod";
import { connect, defineAgent, defineMessage, type Handler } from "agentwire";
const Charge = defineMessage("charge", z.object({ amount: z.number() }), { reply: z.object({ tx: z.string() }) });
const Note = defineMessage("note", z.object({ text: z.string() }));
const Other = defineMessage("other", z.object({ done: z.boolean() }));
const pay = defineAgent({ name: "pay", sends: [Note] }).on(Charge, () => ({ tx: "1" }));
const bus = await connect();
`;

/** What each common mistake is, and the line that tells its author what to do. */
const MISTAKES: readonly (readonly [mistake: string, program: string, line: string])[] = [
  [
    "a handler sends a type that its agent does not declare",
    `defineAgent({ name: "x", sends: [Note] }).on(Other, async (_, ctx) => { await ctx.send(Charge, { amount: 1 }); });`,
    `Type '"charge"' is not assignable to type '"note"'.`,
  ],
  [
    "a handler sends although its agent declares nothing",
    `defineAgent({ name: "x" }).on(Other, async (_, ctx) => { await ctx.send(Note, { text: "" }); });`,
    `Type '"note"' is not assignable to type '"nothing: list the type in this agent's \`sends\`"'.`,
  ],
  [
    "a handler in its own file sends more than the agent declares",
    `const h: Handler<typeof Charge, typeof Note> = () => ({ tx: "" }); defineAgent({ name: "x", sends: [Other] }).on(Charge, h);`,
    `Type '"note"' is not assignable to type '"other"'.`,
  ],
  [
    "a field of the payload has another type",
    `await bus.send(Note, { text: 1 });`,
    `Type 'number' is not assignable to type 'string'.`,
  ],
  [
    "a field of the payload is missing",
    `await bus.send(Note, {});`,
    `Property 'text' is missing in type '{}' but required in type '{ text: string; }'.`,
  ],
  [
    "the payload has a field too many",
    `await bus.send(Note, { text: "", more: 1 });`,
    `Object literal may only specify known properties, and 'more' does not exist in type '{ text: string; }'.`,
  ],
  [
    "the addressed agent does not take the type",
    `await bus.send(Other, { done: true }, { to: pay });`,
    `Type '"other"' is not assignable to type '"charge"'.`,
  ],
  [
    "the handler forgets the reply",
    `defineAgent({ name: "x" }).on(Charge, async () => {});`,
    `Type 'void' is not assignable to type '{ tx: string; }'.`,
  ],
  [
    "the handler replies with something else",
    `defineAgent({ name: "x" }).on(Charge, () => ({ tx: 1 }));`,
    `Type 'number' is not assignable to type 'string'.`,
  ],
  [
    "the handler replies to a type without a reply",
    `defineAgent({ name: "x" }).on(Note, async () => ({ tx: 1 }));`,
    `Type '{ tx: number; }' is not assignable to type 'void'.`,
  ],
  [
    "an acknowledgment forgets the reply",
    `const w = await bus.join(defineAgent({ name: "w", receives: [Charge] })); for (const d of await w.receive()) await d.ack();`,
    `Expected 1 arguments, but got 0.`,
  ],
  [
    "an option is misspelt",
    `await bus.send(Note, { text: "" }, { too: "x" });`,
    `Object literal may only specify known properties, and 'too' does not exist in type`,
  ],
  [
    "a priority that there is not",
    `await bus.send(Note, { text: "" }, { priority: "urgent" });`,
    `Type '"urgent"' is not assignable to type '"critical" | "high" | "normal" | "low" | "background" | undefined'.`,
  ],
  [
    "a duration without a known unit",
    `await bus.send(Note, { text: "" }, { ttl: "5 minutes" });`,
    `Type '"5 minutes"' is not assignable to type 'Duration | undefined'.`,
  ],
];

describe("what the compiler says", { timeout: 60_000 }, () => {
  // One compilation for all: each mistake stands in its own block, so that its errors are known by their lines.
  const first = HEAD.split("\n").length;
  const { errors } = compile(`${HEAD}${MISTAKES.map(([, program]) => `{ ${program} }`).join("\n")}`);

  it.each(MISTAKES.map(([mistake, , line], at) => ({ mistake, line, number: first + at })))(
    "of: $mistake",
    ({ line, number }) => {
      const own = errors
        .filter((error) => error.startsWith(`line ${number}: `))
        .map((error) => error.slice(error.indexOf(": ") + 2));
      expect(own).toHaveLength(1);
      expect(own[0]?.split("\n").at(-1)?.trim()).toContain(line);
    },
  );

  it("of right programs: nothing, and of wrong ones what they expect", () => {
    expect(compile(readFileSync(new URL("./programs.ts", import.meta.url), "utf8")).errors).toEqual([]);
  });
});
