import { expect } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import type { Consumer, Delivery } from "../../src/broker/consumer.ts";
import type { SettleResult } from "../../src/broker/settlement.ts";
import type { Envelope } from "../../src/message/envelope.ts";

let made = 0;

/** A message as a bus sends it. */
export function message(fields: Partial<Envelope> = {}): Envelope {
  const id = `00000000-0000-7000-8000-${(++made).toString(16).padStart(12, "0")}`;
  return {
    v: 1,
    id,
    type: "test.note",
    version: 1,
    from: "sender",
    priority: "normal",
    createdAt: Date.now(),
    conversationId: id,
    headers: {},
    payload: { n: made },
    ...fields,
  };
}

/** Takes what comes, for a test to wait for. */
export async function taking(
  broker: Broker,
  inbox: string,
  { credit = 100_000 }: { readonly credit?: number } = {},
): Promise<{ given: Delivery[]; consumer: Consumer }> {
  const given: Delivery[] = [];
  const onDeliveries = (deliveries: readonly Delivery[]): void => void given.push(...deliveries);
  const consumer = await broker.consume(inbox, { instance: "taker", lease: 30_000, renew: true, onDeliveries });
  consumer.credit(credit);
  return { given, consumer };
}

/** Resolves when a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Sends so many messages, all of which must be accepted; returns their ids. */
export async function send(broker: Broker, inbox: string, count: number): Promise<string[]> {
  const messages = Array.from({ length: count }, () => message());
  const results = await broker.publish(messages.map((one) => ({ message: one, to: [inbox] })));
  expect(results.map(({ status }) => status)).toEqual(messages.map(() => "accepted"));
  return messages.map(({ id }) => id);
}

/** Settles a delivery as handled. */
export const acknowledge = (delivery: Delivery): Promise<SettleResult> | SettleResult =>
  delivery.settle({
    outcome: "end",
    record: {
      id: delivery.message.id,
      recipient: delivery.inbox,
      end: "acknowledged",
      at: Date.now(),
      attempt: delivery.attempt,
      instance: "taker",
    },
  });

/** The ids of messages that were handed out, in that order. */
export const idsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map((one) => one.message.id);
