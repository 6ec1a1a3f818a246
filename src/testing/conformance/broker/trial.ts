import assert from "node:assert/strict";
import type { Broker } from "../../../broker/broker.ts";
import type { Driver, DriverContext } from "../../../broker/driver.ts";
import type { InboxSpec, InboxStatus } from "../../../broker/inbox.ts";
import { receiptsIn } from "../../../broker/packed-receipts.ts";
import type { Publication, PublishedCopy, PublishResult } from "../../../broker/publication.ts";
import { receiptLog } from "../../../broker/receipt-log.ts";
import type { ErrorCode } from "../../../errors.ts";
import type { Envelope } from "../../../message/envelope.ts";
import type { ReceiptRecord } from "../../../message/receipt-record.ts";
import type { Store } from "../../../store/store.ts";
import type { ConformanceEngine, ConformanceOptions } from "../suite.ts";
import { Waiting } from "../waiting.ts";
import { Taker, type TakerOptions } from "./taker.ts";

type TrialOptions = Pick<ConformanceOptions, "runs" | "gaps" | "kill">;

/** One case's engine, with what cases do to it. */
export class BrokerTrial extends Waiting {
  readonly broker: Broker;
  readonly store: Store;
  /** Runs of each property. */
  readonly runs: number;
  /** What the driver declares that it does not keep. */
  readonly gaps: ReadonlySet<string>;
  readonly #options: TrialOptions;
  readonly #engine: ConformanceEngine;
  readonly #drivers: Driver[] = [];
  #messages = 0;

  private constructor(engine: ConformanceEngine, driver: Driver, options: TrialOptions) {
    super(engine);
    assert.ok(driver.store, "conformance of a broker is tested with a driver that has a store, to read receipts from");
    this.#engine = engine;
    this.#options = options;
    this.runs = options.runs ?? 25;
    this.gaps = new Set(options.gaps);
    this.#drivers.push(driver);
    this.broker = driver.broker;
    this.store = driver.store;
  }

  static async start(
    engine: ConformanceEngine,
    options: TrialOptions = {},
  ): Promise<{ trial: BrokerTrial; close(): Promise<void> }> {
    const trial = new BrokerTrial(engine, await engine.connect(), options);
    return { trial, close: () => trial.#close() };
  }

  /** Another process on the same engine. */
  async connect(options?: Pick<DriverContext, "journal">): Promise<Driver & { readonly store: Store }> {
    const driver = await this.#engine.connect(options);
    this.#drivers.push(driver);
    return driver as Driver & { readonly store: Store };
  }

  /** Ends another process as its death would. */
  async kill(driver: Driver): Promise<void> {
    assert.ok(this.#options.kill, "the case says that it needs this");
    await this.#options.kill(driver);
  }

  async declare(name: string, spec: Partial<InboxSpec> = {}): Promise<void> {
    await this.broker.declareInbox({ name, ...spec });
  }

  /** A message with a new id; what is given replaces the rest. */
  message(fields: Partial<Envelope> = {}): Envelope {
    const id = uuidV7(this.now(), ++this.#messages);
    return Object.freeze({
      v: 1,
      id,
      type: "conformance.note",
      version: 1,
      from: "sender",
      priority: "normal",
      createdAt: Math.floor(this.now()),
      conversationId: id,
      headers: Object.freeze({}),
      payload: Object.freeze({ n: this.#messages }),
      ...fields,
    });
  }

  /** Publishes one message, which must be accepted; returns it. */
  async send(
    to: string | readonly string[],
    fields: Partial<Envelope> = {},
    extra: Partial<Publication> = {},
  ): Promise<Envelope> {
    const message = this.message(fields);
    await this.accept({ message, to: typeof to === "string" ? [to] : to, ...extra });
    return message;
  }

  /** Publishes so many messages in one batch. */
  async sendMany(to: string, count: number, fields: Partial<Envelope> = {}): Promise<Envelope[]> {
    const messages = Array.from({ length: count }, () => this.message(fields));
    for (const result of await this.broker.publish(messages.map((message) => ({ message, to: [to] })))) {
      assert.equal(result.status, "accepted");
    }
    return messages;
  }

  /** Publishes one publication, whatever the answer. */
  async publish(publication: Publication, broker = this.broker): Promise<PublishResult> {
    const results = await broker.publish([publication]);
    assert.equal(results.length, 1, "one result per publication");
    return results[0] as PublishResult;
  }

  /** Publishes one publication, which must be accepted; returns its copies. */
  async accept(
    publication: Publication,
    broker = this.broker,
  ): Promise<{ id: string; copies: readonly PublishedCopy[]; duplicate: boolean }> {
    const result = await this.publish(publication, broker);
    if (result.status === "failed") throw result.error;
    if (result.status === "stale") assert.fail("the publication was answered `stale`");
    return result;
  }

  /** Publishes one publication, which must fail with this code. */
  async refuse(publication: Publication, code: ErrorCode): Promise<void> {
    const result = await this.publish(publication);
    assert.equal(result.status, "failed");
    assert.equal(result.status === "failed" && result.error.code, code);
  }

  /** Consumes an inbox, by default with much credit; deliveries are kept until a case asks for them. */
  async take(inbox: string, options: TakerOptions = {}): Promise<Taker> {
    return Taker.start(this, inbox, options);
  }

  async status(inbox: string, broker = this.broker): Promise<InboxStatus> {
    const [status] = await broker.inspect([inbox]);
    assert.ok(status, `the inbox ${inbox} exists`);
    return status;
  }

  /** All ends written for a message, in the order they were written. */
  async ends(id: string, store = this.store): Promise<ReceiptRecord[]> {
    const entries = await store.read(receiptLog(id), { limit: 10_000 });
    return entries.flatMap((entry) => receiptsIn(entry.value)).filter((record) => record.id === id);
  }

  /** Waits for the end of a message with one recipient; checks that there is one only. */
  async ended(message: Envelope): Promise<ReceiptRecord> {
    await this.until(`an end of ${message.id} is written`, async () => (await this.ends(message.id)).length > 0);
    const ends = await this.ends(message.id);
    assert.equal(ends.length, 1, "a copy ends once");
    return ends[0] as ReceiptRecord;
  }

  async #close(): Promise<void> {
    for (const { broker, store } of this.#drivers.reverse()) {
      await broker.close();
      await store?.close();
    }
  }
}

/** An id that sorts by time, as the library makes them. */
function uuidV7(time: number, count: number): string {
  const hex = Math.floor(time).toString(16).padStart(12, "0");
  const tail = count.toString(16).padStart(12, "0");
  const random = Math.floor(Math.random() * 0x1000)
    .toString(16)
    .padStart(3, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${random}-8000-${tail}`;
}
