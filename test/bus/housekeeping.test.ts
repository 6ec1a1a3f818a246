import { defineAgent, defineMessage } from "agentwire";
import { testBus } from "agentwire/testing";
import { expect, it } from "vitest";
import { failure } from "../support/buses.ts";

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

it("keeps so many receipts, the newest [life.retention]", async () => {
  const bus = await testBus({ retention: { mostReceipts: 3 } });
  await bus.join(defineAgent({ name: "reader" }).on(Note, () => {}));
  const send = async () => {
    const receipt = await bus.send(Note, {}, { to: "reader" });
    await receipt.settled();
    return receipt.id;
  };
  const known = async (ids: readonly string[]) =>
    (await Promise.all(ids.map((id) => bus.receipts.get(id)))).map((state) => state !== undefined);
  const first = [await send(), await send()];
  await bus.clock.advance("2m");
  const second = [await send(), await send(), await send()];
  await bus.clock.advance("3m");
  expect(await known([...first, ...second])).toEqual([false, false, true, true, true]);
  const third = await send();
  await bus.clock.advance("5m");
  expect(await known([...second, third])).toEqual([false, true, true, true]);
  await bus.close();
  expect(await failure(testBus({ retention: { mostReceipts: 0 } }))).toMatchObject({ code: "OUT_OF_RANGE" });
});
