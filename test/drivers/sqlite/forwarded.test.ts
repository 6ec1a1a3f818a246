import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Consumer, Delivery } from "../../../src/broker/consumer.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import { type Envelope, PRIORITIES } from "../../../src/message/envelope.ts";
import { openDatabase } from "../../support/database-file.ts";
import { OtherProcess } from "./other-process.ts";
import { acknowledge, Collected, message, type SqliteDriver, until, Workbench } from "./setup.ts";

const INBOX = "$reply.owner";

/** What is done with the inbox, by its owner or by another process; numbers choose among what there is. */
type Step =
  | { readonly do: "send"; readonly by: "owner" | "other"; readonly what: readonly Kind[] }
  | { readonly do: "acknowledge" | "release" | "retry"; readonly nth: number }
  | { readonly do: "pause" | "resume" | "starve" | "feed" };
type Kind = "small" | "large" | "delayed" | "expired";

const kind: fc.Arbitrary<Kind> = fc.constantFrom("small", "small", "small", "large", "delayed", "expired");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      by: fc.constantFrom("other" as const, "other" as const, "owner" as const),
      what: fc.array(kind, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("acknowledge", "release", "retry"), nth: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("pause", "resume", "starve", "feed") }) },
) as fc.Arbitrary<Step>;

describe("copies that travel with their wake-up", () => {
  let bench: Workbench;
  let owner: SqliteDriver;
  let other: SqliteDriver;

  beforeEach(async () => {
    bench = new Workbench();
    owner = await bench.open("owner");
    other = await bench.open("other");
  });
  afterEach(() => bench.dispose());

  function publication(id: string, what: Kind, at: number): Publication {
    const text = "x".repeat(what === "large" ? 10_000 : 10);
    const fields: Partial<Envelope> = { priority: PRIORITIES[at % PRIORITIES.length]!, payload: { text } };
    const expiresAt = what === "expired" ? { expiresAt: Date.now() - 1 } : {};
    const due = what === "delayed" ? { dueAt: Date.now() + 10 } : {};
    return { message: message(id, { ...fields, ...expiresAt }), to: [INBOX], ...due };
  }

  async function consume(collected: Collected, credit = 1000): Promise<Consumer> {
    await owner.broker.declareInbox({ name: INBOX, expiresAfter: 60_000 });
    const consumer = await owner.broker.consume(INBOX, {
      instance: "owner",
      lease: 30_000,
      renew: true,
      exclusive: true,
      onDeliveries: collected.take,
      onRevoked: collected.revoke,
    });
    consumer.credit(credit);
    await consumer.tried();
    return consumer;
  }

  it("are handed out without a look into the file or a write to it", async () => {
    const collected = new Collected();
    await consume(collected);
    await until(async () => {
      const [status] = await other.broker.inspect([INBOX]);
      return status?.consumers === 1;
    });
    const raw = openDatabase(bench.path);
    bench.onEnd(async () => raw.close());
    const held = raw.prepare("SELECT sum(length(held)) AS bytes FROM claim");
    await other.broker.publish([publication("a", "small", 0), publication("b", "small", 1)]);
    const [first, second] = await collected.reach(2);
    expect(collected.ids).toEqual(["a", "b"]);
    expect(held.get()).toEqual({ bytes: 0 });
    expect(await acknowledge(first!)).toBe("settled");
    await other.broker.publish([publication("c", "large", 0)]);
    await collected.reach(3);
    // One that is too large to travel is looked for; then all that is held is written down.
    expect(held.get()).toEqual({ bytes: 48 });
    expect(await acknowledge(second!)).toBe("settled");
  });

  it("stay with their owner when a dead process's deliveries go to others", { timeout: 60_000 }, async () => {
    const collected = new Collected();
    await consume(collected);
    await other.broker.publish([publication("a", "small", 0)]);
    await collected.reach(1);
    const third = await OtherProcess.start(bench.path, "third");
    bench.onEnd(() => third.kill());
    await third.ask({ do: "declare", inbox: "elsewhere" });
    await third.ask({ do: "publish", inbox: "elsewhere", ids: ["x"] });
    await third.ask({ do: "consume", inbox: "elsewhere", credit: 1 });
    await until(() => third.delivered.length === 1);
    await third.kill();
    const heir = new Collected();
    const consumer = await other.broker.consume("elsewhere", {
      instance: "other",
      lease: 30_000,
      renew: true,
      onDeliveries: heir.take,
    });
    consumer.credit(1);
    await heir.reach(1);
    expect(heir.deliveries[0]?.redelivered).toBe(true);
    expect(collected.revoked).toEqual([]);
    expect(await acknowledge(collected.deliveries[0]!)).toBe("settled");
    expect(collected.ids).toEqual(["a"]);
  });

  it("are each handed out and ended once, whatever else happens to the inbox", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = ++runs;
        const acknowledged: string[] = [];
        const held = new Map<string, Delivery>();
        const doubled: string[] = [];
        const collected = new Collected();
        const take = collected.take;
        const consumer = await consume(
          Object.assign(collected, {
            take(deliveries: readonly Delivery[]) {
              for (const delivery of deliveries) {
                const { id } = delivery.message;
                if (held.has(id) || acknowledged.includes(id)) doubled.push(id);
                held.set(id, delivery);
              }
              take(deliveries);
            },
          }),
        );
        const acknowledgeOne = async ([id, delivery]: [string, Delivery]): Promise<void> => {
          held.delete(id);
          acknowledged.push(id);
          expect(await acknowledge(delivery)).toBe("settled");
        };
        const wanted: string[] = [];
        let sent = 0;
        for (const one of steps) {
          if (one.do === "send") {
            const batch = one.what.map((what) => {
              const id = `${run}.${++sent}`;
              if (what !== "expired") wanted.push(id);
              return publication(id, what, sent);
            });
            await (one.by === "owner" ? owner : other).broker.publish(batch);
          } else if (one.do === "pause" || one.do === "resume")
            await other.broker.declareInbox({ name: INBOX, paused: one.do === "pause" });
          else if (one.do === "starve" || one.do === "feed") consumer.credit(one.do === "feed" ? 1000 : 0);
          else if ("nth" in one) {
            const chosen = [...held][one.nth % Math.max(held.size, 1)];
            if (!chosen) continue;
            if (one.do === "acknowledge") await acknowledgeOne(chosen);
            else {
              held.delete(chosen[0]);
              await chosen[1].settle(one.do === "release" ? { outcome: "release" } : { outcome: "retry", delay: 0 });
            }
          }
        }
        await owner.broker.declareInbox({ name: INBOX, paused: false });
        consumer.credit(1000);
        await until(async () => {
          for (const entry of [...held]) await acknowledgeOne(entry);
          const [status] = await owner.broker.inspect([INBOX]);
          return status?.waiting === 0;
        });
        expect(doubled).toEqual([]);
        expect(acknowledged.sort()).toEqual(wanted.sort());
        await consumer.close();
        await owner.broker.deleteInbox(INBOX);
      }),
      { numRuns: 60 },
    );
  });
});
