// Type-checks an agent of 150 message types and fails when that costs the compiler more than type-budget.json allows.
import { readFileSync } from "node:fs";
import { compile } from "./compile.ts";

interface Budget {
  readonly types: number;
  readonly instantiations: number;
}

const budget = JSON.parse(readFileSync(new URL("./type-budget.json", import.meta.url), "utf8")) as Budget;

/** Half of the types are handled, half are sent; every handler sends, every third type has a reply. */
function program(types: number): string {
  const define = (at: number): string => {
    const reply = at % 3 === 0 ? ", { reply: z.object({ done: z.boolean() }) }" : "";
    return `const T${at} = defineMessage("type${at}", z.object({ id: z.string(), amount: z.number(), tags: z.array(z.string()).optional() })${reply});`;
  };
  const numbers = Array.from({ length: types }, (_, at) => at);
  const handled = numbers.filter((at) => at % 2 === 0);
  const sent = numbers.filter((at) => at % 2 === 1);
  const on = (at: number): string => {
    const reply = at % 3 === 0 ? " return { done: payload.amount > 0 };" : "";
    return `  .on(T${at}, async ({ payload }, ctx) => { await ctx.send(T${at + 1}, { id: payload.id, amount: 1 });${reply} })`;
  };
  return [
    `import { z } from "zod";`,
    `import { connect, defineAgent, defineMessage } from "agentwire";`,
    ...numbers.map(define),
    `const agent = defineAgent({ name: "large", sends: [${sent.map((at) => `T${at}`).join(", ")}] })`,
    ...handled.map(on),
    `;`,
    `const bus = await connect();`,
    `await bus.join(agent);`,
    `for (let at = 0; at < 2; at++) await bus.request(T0, { id: "a", amount: at }, { to: agent });`,
  ].join("\n");
}

const empty = compile(program(2));
const full = compile(program(budget.types));
for (const error of full.errors) console.error(error);
const cost = full.instantiations - empty.instantiations;
console.log(`${budget.types} types: ${cost} instantiations more than two types, ${budget.instantiations} allowed`);
if (full.errors.length > 0 || cost > budget.instantiations) process.exitCode = 1;
