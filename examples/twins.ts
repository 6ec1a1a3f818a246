// A company's twins: officers with roles, a dashboard that asks by role, a broadcast to one department, and an
// existing class that joins without inheriting from anything.
import { connect, defineAgent } from "agentwire";
import { Coordination, Insights, KnowledgeRequest, Status } from "agentwire/twins";

const cso = defineAgent({ name: "cso", role: "cso", department: "sales", capabilities: ["pipeline"] }).on(
  KnowledgeRequest,
  ({ payload }) => ({
    answer: payload.question.includes("pipeline") ? "Twelve deals, three of them close" : "Ask me about the pipeline",
    confidence: 0.9,
  }),
);

const cmo = defineAgent({ name: "cmo", role: "cmo", department: "marketing", sends: [Insights] })
  .on(KnowledgeRequest, () => ({ answer: "The spring campaign runs until May" }))
  .on(Coordination, ({ payload }) => console.log(`cmo: ${payload.action} ${payload.topic}`));

/** A class that was there before: it knows nothing of messages. */
class ContentDesk {
  readonly written: string[] = [];
  plan(topic: string): number {
    return this.written.push(topic);
  }
}

const desk = new ContentDesk();
const content = defineAgent({ name: "content", role: "content_agent", department: "marketing", sends: [Status] }).on(
  Coordination,
  async ({ payload }, ctx) => {
    const count = desk.plan(payload.topic);
    await ctx.send(Status, { summary: `${count} texts planned` }, { to: "dashboard" });
  },
);

// In memory, or on the engine that the environment names.
process.env["AGENTWIRE_URL"] ??= "memory:";
await using bus = await connect();
await bus.join(cso);
await bus.join(cmo);
await bus.join(content);

const dashboard = await bus.join(defineAgent({ name: "dashboard", receives: [Status] }));

const { answer } = await bus.request(
  KnowledgeRequest,
  { question: "CSO, what is the pipeline?" },
  { to: { role: "cso" } },
);
console.log(`dashboard: ${answer}`);

const told = await bus.broadcast(
  Coordination,
  { topic: "spring campaign", action: "start" },
  { where: { department: "marketing" } },
);
await told.settled();
console.log(`told: ${[...told.recipients].sort().join(", ")}`);

const [status] = await dashboard.receive({ wait: "5s" });
console.log(`dashboard: ${status?.message.payload.summary}`);
await status?.ack();
