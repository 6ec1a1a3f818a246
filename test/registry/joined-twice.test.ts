import { connect, defineAgent } from "agentwire";
import { expect, it } from "vitest";

it("counts each copy of an agent that joins twice in one process, and the other when one leaves", async () => {
  const bus = await connect("memory:", { logger: false });
  const first = await bus.join(defineAgent({ name: "ada", concurrency: 2 }));
  await bus.join(defineAgent({ name: "ada", concurrency: 2 }));
  await first.leave();
  expect(await bus.agents.get("ada")).toMatchObject({ status: "online", instances: [bus.instance] });
  await bus.close();
});
