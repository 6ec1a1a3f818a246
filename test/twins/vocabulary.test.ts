import { connect, defineAgent, type MessageType } from "agentwire";
import * as twins from "agentwire/twins";
import { describe, expect, it } from "vitest";

const EXAMPLES: Readonly<Record<keyof typeof twins, unknown>> = {
  Roadmap: { title: "2027", goals: ["grow"], milestones: [{ title: "beta", due: "2027-01-01T00:00:00Z" }] },
  TaskAssignment: { task: "t1", title: "Write", urgency: "high" },
  TaskUpdate: { task: "t1", status: "running", progress: 0.5 },
  TaskHelp: { task: "t1", problem: "No key", tried: ["asking"] },
  KnowledgeRequest: { question: "Why?" },
  Insights: { topic: "market", insights: ["it grows"], confidence: 1 },
  ReviewRequest: { subject: "text", content: "..." },
  Feedback: { subject: "text", text: "good", rating: 1 },
  ContextShared: { subject: "launch", facts: ["it is in May"] },
  Meeting: { subject: "launch", at: "2027-01-01T09:00:00Z" },
  Status: { summary: "fine", figures: { deals: 12 } },
  ErrorReport: { what: "no disk", severity: "high" },
  Coordination: { topic: "launch", action: "start" },
};

describe("agentwire/twins", () => {
  it.each(Object.entries(twins))("%s takes what it describes, and refuses an empty payload", async (name, type) => {
    const bus = await connect("memory:", { logger: false });
    try {
      await bus.join(defineAgent({ name: "twin", receives: [type as MessageType] }));
      const receipt = await bus.send(type as MessageType, EXAMPLES[name as keyof typeof twins] as never, {
        to: "twin",
      });
      expect(receipt.recipients).toEqual(["twin"]);
      await expect(bus.send(type as MessageType, {} as never, { to: "twin" })).rejects.toMatchObject({
        code: "VALIDATION_FAILED",
      });
    } finally {
      await bus.close();
    }
  });

  it("names each type once, and under its own prefix", () => {
    const names = Object.values(twins).map((type) => type.name);
    expect(new Set(names).size).toBe(13);
    for (const name of names) expect(name).toMatch(/^twins\./);
  });
});
