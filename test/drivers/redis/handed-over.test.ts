import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import type { Settlement } from "../../../src/broker/settlement.ts";
import { AgentwireError } from "../../../src/errors.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { envelope } from "../../support/envelope.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, openDriver, type RedisDriver } from "./engine.ts";

const INBOX = "owner";

/** What is done with the inbox, by its owner or by another process; numbers choose among what there is. */
type Step =
  | { readonly do: "send"; readonly by: "owner" | "other"; readonly what: readonly Kind[] }
  | { readonly do: "acknowledge" | "release" | "retry"; readonly nth: number }
  | { readonly do: "pause" | "resume" | "starve" | "stint" | "credit" | "look" | "cut" };
type Kind = "small" | "large" | "huge" | "delayed" | "expired";

const kind: fc.Arbitrary<Kind> = fc.constantFrom("small", "small", "small", "large", "huge", "delayed", "expired");
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      by: fc.constantFrom("other" as const, "other" as const, "owner" as const),
      what: fc.array(kind, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("acknowledge", "release", "retry"), nth: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("pause", "resume", "starve", "stint", "credit", "credit", "look") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
) as fc.Arbitrary<Step>;

const CREDIT: Readonly<Record<string, number>> = { starve: 0, stint: 2, credit: 1_000 };
const TEXT: Readonly<Record<string, number>> = { large: 30_000, huge: 70_000 };

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(url: string, scope: string): Promise<RedisDriver> {
  const driver = await openDriver(url, { scope });
  closing.push(async () => {
    await driver.broker.close();
    await driver.store.close();
  });
  return driver;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Settles, as often as the connection is lost over it. */
async function settle(delivery: Delivery, settlement: Settlement): Promise<void> {
  for (;;) {
    try {
      expect(await delivery.settle(settlement)).toBe("settled");
      return;
    } catch (error) {
      if (!AgentwireError.is(error, "INDETERMINATE") && !AgentwireError.is(error, "ENGINE_STATE")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function acknowledge(delivery: Delivery): Promise<void> {
  const { message, inbox: recipient, attempt } = delivery;
  const record = {
    id: message.id,
    recipient,
    end: "acknowledged" as const,
    at: Date.now(),
    attempt,
    instance: "owner",
  };
  return settle(delivery, { outcome: "end", record });
}

/** One consumer that is sent this and that, and what became of it. */
class Walk {
  readonly held = new Map<string, Delivery>();
  readonly firsts: string[] = [];
  readonly doubled: string[] = [];
  readonly acknowledged: string[] = [];
  readonly wanted: string[] = [];
  readonly inOrder: string[] = [];
  readonly #run: number;
  readonly #inbox: string;
  readonly #owner: RedisDriver;
  readonly #other: RedisDriver;
  readonly #proxy: FaultProxy;
  #sent = 0;
  #consumer!: Consumer;

  constructor(run: number, around: { owner: RedisDriver; other: RedisDriver; proxy: FaultProxy }) {
    this.#run = run;
    this.#inbox = `${INBOX}.${run}`;
    this.#owner = around.owner;
    this.#other = around.other;
    this.#proxy = around.proxy;
  }

  async begin(exclusive: boolean): Promise<void> {
    await this.#other.broker.declareInbox({ name: this.#inbox });
    this.#consumer = await this.#owner.broker.consume(this.#inbox, {
      instance: "owner",
      lease: 30_000,
      renew: true,
      exclusive,
      onDeliveries: (deliveries) => {
        for (const delivery of deliveries) this.#take(delivery);
      },
      onRevoked: (delivery) => this.held.delete(delivery.message.id),
    });
    this.#consumer.credit(1_000);
  }

  async go(one: Step): Promise<void> {
    if (one.do === "send") {
      const batch = one.what.map((what) => this.#publication(what));
      const by = one.by === "owner" ? this.#owner : this.#other;
      // What may be cut off is sent by the one that is not.
      const results = await by.broker.publish(batch);
      const lost = batch.filter((_, at) => results[at]?.status !== "accepted");
      if (lost.length > 0) await this.#other.broker.publish(lost);
    } else if (one.do === "pause" || one.do === "resume")
      await this.#other.broker.declareInbox({ name: this.#inbox, paused: one.do === "pause" });
    else if (one.do === "cut") this.#proxy.cut();
    else if (one.do === "look") await this.#consumer.tried().catch(() => {});
    else if ("nth" in one) {
      const [id, delivery] = [...this.held][one.nth % Math.max(this.held.size, 1)] ?? [];
      if (id === undefined || delivery === undefined) return;
      this.held.delete(id);
      if (one.do === "release") await settle(delivery, { outcome: "release" });
      else if (one.do === "retry") await settle(delivery, { outcome: "retry", delay: 0 });
      else {
        this.acknowledged.push(id);
        await acknowledge(delivery);
      }
    } else this.#consumer.credit(CREDIT[one.do] as number);
  }

  async finish(): Promise<void> {
    await this.#other.broker.declareInbox({ name: this.#inbox, paused: false });
    this.#consumer.credit(1_000);
    await until(async () => {
      for (const [id, delivery] of [...this.held]) {
        this.held.delete(id);
        this.acknowledged.push(id);
        await acknowledge(delivery);
      }
      const [status] = await this.#other.broker.inspect([this.#inbox]);
      return status?.waiting === 0;
    });
    await this.#consumer.close();
    await this.#other.broker.deleteInbox(this.#inbox);
  }

  #take(delivery: Delivery): void {
    const { id } = delivery.message;
    if (this.held.has(id) || this.acknowledged.includes(id)) this.doubled.push(id);
    if (!this.firsts.includes(id)) this.firsts.push(id);
    this.held.set(id, delivery);
  }

  #publication(what: Kind): Publication {
    const id = `${this.#run}.${++this.#sent}`;
    const expiresAt = what === "expired" ? { expiresAt: Date.now() - 1 } : {};
    const due = what === "delayed" ? { dueAt: Date.now() + 10 } : {};
    if (what !== "expired") this.wanted.push(id);
    if (what !== "expired" && what !== "delayed") this.inOrder.push(id);
    const message = { ...envelope(id), payload: { text: "x".repeat(TEXT[what] ?? 10) }, ...expiresAt };
    return { message, to: [this.#inbox], ...due };
  }
}

describeWithServers("redis", "copies that come with a wake-up", (start) => {
  it("are each handed out once and in their order, whatever else happens to the inbox", async () => {
    const server = await start({ settings: { appendfsync: "no" } });
    const proxy = await FaultProxy.open(server.url);
    closing.push(() => proxy.close());
    const scope = freshScope();
    const [owner, other] = [await open(proxy.url, scope), await open(server.url, scope)];
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.boolean(), async (steps, exclusive) => {
        const walk = new Walk(++runs, { owner, other, proxy });
        await walk.begin(exclusive);
        for (const one of steps) await walk.go(one);
        await walk.finish();
        expect(walk.doubled).toEqual([]);
        expect(walk.acknowledged.sort()).toEqual(walk.wanted.sort());
        expect(walk.firsts.filter((id) => walk.inOrder.includes(id))).toEqual(walk.inOrder);
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
