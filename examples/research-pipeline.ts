// Publish and subscribe: four agents, each knows only the channel it reads and the one it writes.
import { connect, defineAgent, defineMessage } from "agentwire";
import { z } from "zod";

const Question = defineMessage("research.question", z.object({ text: z.string() }), { channel: "research.questions" });
const Source = defineMessage("research.source", z.object({ question: z.string(), url: z.string() }), {
  channel: "research.sources",
});
const Fact = defineMessage("research.fact", z.object({ question: z.string(), fact: z.string() }), {
  channel: "research.facts",
});
const Report = defineMessage("research.report", z.object({ question: z.string(), facts: z.array(z.string()) }), {
  channel: "research.reports",
});

const SOURCES = 3;

const searcher = defineAgent({ name: "searcher", subscribes: ["research.questions"], sends: [Source] }).on(
  Question,
  async ({ payload }, ctx) => {
    for (let n = 1; n <= SOURCES; n++)
      await ctx.publish(Source, { question: payload.text, url: `https://example.com/${n}` });
  },
);
const reader = defineAgent({ name: "reader", subscribes: ["research.sources"], sends: [Fact], concurrency: 3 }).on(
  Source,
  async ({ payload }, ctx) => {
    await ctx.publish(Fact, { question: payload.question, fact: `read in ${payload.url}` });
  },
);

const gathered = new Map<string, string[]>();
const writer = defineAgent({ name: "writer", subscribes: ["research.facts"], sends: [Report] }).on(
  Fact,
  async ({ payload: { question, fact } }, ctx) => {
    const facts = [...(gathered.get(question) ?? []), fact];
    gathered.set(question, facts);
    if (facts.length === SOURCES) await ctx.publish(Report, { question, facts: facts.sort() });
  },
);
const editor = defineAgent({ name: "editor", subscribes: ["research.reports"] }).on(Report, ({ payload }) => {
  console.log(`${payload.question}\n${payload.facts.map((fact) => `- ${fact}`).join("\n")}`);
});

// In memory, or on the engine that the environment names.
process.env["AGENTWIRE_URL"] ??= "memory:";
await using bus = await connect();
await Promise.all([bus.join(searcher), bus.join(reader), bus.join(writer), bus.join(editor)]);
await bus.publish(Question, { text: "Why is the sky blue?" });
await bus.settled();
