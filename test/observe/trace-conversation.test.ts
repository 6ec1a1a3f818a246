import { expect, it } from "vitest";
import { receiptLog } from "../../src/broker/receipt-log.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import type { Envelope } from "../../src/message/envelope.ts";
import { IdGenerator } from "../../src/message/id.ts";
import { EventHub } from "../../src/observe/event-hub.ts";
import { Journal } from "../../src/observe/journal.ts";
import { traceConversation } from "../../src/observe/trace-conversation.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

it("reads a conversation, with ends that only the receipts know, and no other", async () => {
  const clock = new FakeClock();
  const ids = new IdGenerator({ clock });
  const driver = new MemoryEngine(clock).driver({
    clock,
    codec: jsonCodec,
    scope: "s",
    instance: "i",
    journal: true,
    report: () => {},
  });
  const store = driver.store as Store;
  await driver.broker.open();
  await store.open();
  const journal = new Journal({ store, clock });
  await journal.open(new EventHub());
  const { broker } = driver;
  await broker.declareInbox({ name: "ada" });

  const root = ids.next();
  const message = (id: string, given: Partial<Envelope>): Envelope => {
    return {
      v: 1,
      id,
      type: "greet",
      version: 1,
      from: "bob",
      payload: {},
      priority: "normal",
      createdAt: clock.now(),
      conversationId: root,
      headers: {},
      ...given,
    };
  };
  const other = ids.next();
  const child = ids.next();
  await broker.publish([
    { message: message(root, {}), to: ["ada"] },
    { message: message(other, { conversationId: other }), to: ["ada"] },
  ]);
  await clock.advance(90_000);
  await broker.publish([{ message: message(child, { causationId: root }), to: ["ada"] }]);
  // The engine ended the child without any process at work on it.
  await broker.cancel("ada", { id: child }, "withdrawn");
  expect(await store.read(receiptLog(child))).toHaveLength(1);

  const trace = await traceConversation({ journal, store, broker }, root);
  expect(trace).toMatchObject({ messages: 2, outcomes: { waiting: 1, withdrawn: 1 } });
  expect(trace.roots[0]).toMatchObject({
    id: root,
    children: [{ id: child, deliveries: [{ outcome: "withdrawn", attempts: 0 }] }],
  });
  expect(await traceConversation({ journal, store, broker }, "unknown")).toMatchObject({ messages: 0, roots: [] });
  await journal.close();
});
