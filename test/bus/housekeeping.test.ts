import { defineAgent, defineMessage } from "agentwire";
import { testBus } from "agentwire/testing";
import { expect, it } from "vitest";

const Note = defineMessage("note", { type: "object" });

it("keeps dead letters and receipts for their time, and no longer [life.retention]", async () => {
  const bus = await testBus({ retention: { deadLetters: "2h", receipts: "1h" } });
  await bus.join(defineAgent({ name: "reader" }).on(Note, (_message, ctx) => ctx.reject("no")));
  const receipt = await bus.send(Note, {}, { to: "reader" });
  await receipt.settled();
  await bus.clock.advance("50m");
  expect((await bus.receipts.get(receipt.id))?.ends).toEqual({ reader: "dead-lettered" });
  await bus.clock.advance("20m");
  expect(await bus.receipts.get(receipt.id)).toBeUndefined();
  expect(await bus.deadLetters.list()).toHaveLength(1);
  await bus.clock.advance("1h");
  expect(await bus.deadLetters.list()).toEqual([]);
  await bus.close();
});
