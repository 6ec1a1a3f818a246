import pg from "pg";
import { afterEach, expect, it, vi } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { Driver } from "../../../src/broker/driver.ts";
import { openSession, type Session } from "../../../src/drivers/postgres/connection.ts";
import { parseOptions } from "../../../src/drivers/postgres/options.ts";
import { type Envelope, PRIORITIES } from "../../../src/message/envelope.ts";
import { describeOn } from "../../support/servers.ts";
import { connectPostgres, newScope } from "./engine.ts";

/** An inbox, and its only consumer, which takes when it is told to. */
class Work {
  readonly scope: string;
  readonly driver: Driver;
  /** As the driver's own, to look with. */
  readonly session: Session;
  consumer!: Consumer;
  given: Delivery[] = [];
  #sent = 0;

  constructor(driver: Driver, scope: string, session: Session) {
    this.driver = driver;
    this.scope = scope;
    this.session = session;
  }

  async publish(count: number, fields: Partial<Envelope> = {}): Promise<void> {
    const batch = Array.from({ length: count }, () => {
      const id = `01900000-0000-7000-8000-${String(++this.#sent).padStart(12, "0")}`;
      const priority = PRIORITIES[this.#sent % PRIORITIES.length] ?? "normal";
      const rest = { type: "note", version: 1, from: "sender", createdAt: 1, headers: {}, payload: {} } as const;
      const message: Envelope = { v: 1, id, conversationId: id, priority, ...rest, ...fields };
      return { message, to: ["inbox"] };
    });
    for (const result of await this.driver.broker.publish(batch)) expect(result.status).toBe("accepted");
  }

  async take(most: number): Promise<Delivery[]> {
    this.consumer.credit(most);
    await this.consumer.tried();
    return this.given.splice(0);
  }

  /** Ends all that can be had. */
  async drain(): Promise<void> {
    for (let taken = await this.take(512); taken.length > 0; taken = await this.take(512))
      await Promise.all(
        taken.map(({ message: { id }, inbox, offeredAt, attempt, settle }, at) => {
          const of = { id, recipient: inbox, at: offeredAt, offeredAt, instance: "taker", attempt };
          return settle.call(taken[at], { outcome: "end", record: { ...of, end: "acknowledged" } });
        }),
      );
  }

  /** A value of the inbox's row or of a query about it. */
  async read(what: string): Promise<unknown> {
    const text = `SELECT ${what} AS it FROM inbox i WHERE i.scope = $1`;
    const [row] = (await this.session.query({ text, values: [this.scope] })).rows;
    return row?.["it"];
  }

  /** How many pages a claim touches; what it did is taken back. */
  async pages(want: number): Promise<number> {
    const id = await this.read("(SELECT k.id FROM consumer k WHERE k.inbox = i.id)");
    const claim = `claim(0, ${id}, 0, ${want}, 60000, 0, NULL, NULL, false, true, true, true)`;
    const looked: number[] = [];
    // The first makes the plans of its session.
    for (let time = 0; time < 2; time++) {
      await this.session.query({ text: "BEGIN" });
      const { rows } = await this.session.query({ text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT ${claim}` });
      await this.session.query({ text: "ROLLBACK" });
      const [{ Plan: plan }] = (rows[0] as { "QUERY PLAN": [{ Plan: Record<string, number> }] })["QUERY PLAN"];
      looked.push((plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0));
    }
    return looked[1] ?? 0;
  }
}

describeOn("postgres", "an inbox with a long past or a long queue on PostgreSQL", (server) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function opened(scope: string): Promise<Driver> {
    const driver = await connectPostgres(server.url, { scope });
    closing.push(async () => {
      await driver.broker.close();
      await driver.store?.close();
    });
    return driver;
  }

  async function begin(): Promise<Work> {
    const scope = newScope();
    const session = await openSession(pg, parseOptions(server.url), { lost: () => {}, notified: () => {} });
    closing.push(() => session.end());
    const work = new Work(await opened(scope), scope, session);
    await work.driver.broker.declareInbox({ name: "inbox" });
    work.consumer = await work.driver.broker.consume("inbox", {
      ...{ instance: "taker", lease: 60_000, renew: true },
      onDeliveries: (deliveries) => work.given.push(...deliveries),
    });
    return work;
  }

  it("has claims that touch no more pages for what waits, nor for what has ended since the last vacuum", async () => {
    const work = await begin();
    const many = 4_000;
    // Nothing can be cleared away that has been there since it began.
    const idle = await openSession(pg, parseOptions(server.url), { lost: () => {}, notified: () => {} });
    closing.push(() => idle.end());
    await idle.query({ text: "BEGIN ISOLATION LEVEL REPEATABLE READ" });
    await idle.query({ text: "SELECT count(*) FROM inbox" });
    await work.publish(16);
    const few = await work.pages(16);
    await work.publish(many);
    expect(await work.pages(16), "with many waiting").toBeLessThan(2 * few + 50);
    await work.drain();
    await work.publish(16);
    expect(await work.pages(16), "with many ended").toBeLessThan(2 * few + 50);
  });

  it("hands out what comes back to a place that was passed long ago", async () => {
    const work = await begin();
    await work.publish(1, { orderKey: "key", priority: "normal" });
    const [first] = (await work.take(1)) as [Delivery];
    await first.settle({ outcome: "retry", delay: 600_000 });
    await work.publish(2_000, { priority: "normal" });
    await work.drain();
    expect(await work.read("i.lows[3]")).toBeGreaterThan(1);
    const due = "UPDATE copy c SET due_at = 1 FROM inbox i WHERE i.id = c.inbox AND i.scope = $1";
    await work.session.query({ text: due, values: [work.scope] });
    // Whoever comes looks at what is due.
    await opened(work.scope);
    await vi.waitFor(() => expect(work.given).toHaveLength(1), 5_000);
    expect(work.given.map(({ message, attempt }) => [message.id, attempt])).toEqual([[first.message.id, 2]]);
  });
});
