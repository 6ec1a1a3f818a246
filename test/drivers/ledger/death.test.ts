import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import type { DriverContext } from "../../../src/broker/driver.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import { LedgerBroker } from "../../../src/drivers/ledger/broker.ts";
import type { NewCopy, QueueEngine } from "../../../src/drivers/ledger/engine.ts";
import { MemoryEngine } from "../../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { Store } from "../../../src/store/store.ts";
import { end, recordOf } from "../../../src/testing/conformance/broker/taker.ts";
import { BrokerTrial } from "../../../src/testing/conformance/broker/trial.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { connectLedger } from "./engine.ts";
import { QueueServer } from "./queues.ts";

/** What a process does last: the first of these is not done any more. */
interface Fatal {
  /** A write to a key or log with this beginning. */
  readonly write?: string;
  /** A copy for this inbox. */
  readonly put?: string;
  readonly acknowledge?: true;
  /** What became of a message that was sent with a key. */
  readonly result?: true;
}

const context = (clock: FakeClock, instance: string): DriverContext => ({
  clock,
  codec: jsonCodec,
  scope: "test/default",
  instance,
  report: () => {},
});

describe.each([true, false])(
  "a ledger whose process dies between two steps (queues that can be looked into: %s)",
  (isOpen) => {
    let clock: FakeClock;
    let engine: MemoryEngine;
    let server: QueueServer;
    let trial: BrokerTrial;
    let close: () => Promise<void>;
    beforeEach(async () => {
      clock = new FakeClock();
      engine = new MemoryEngine(clock);
      server = new QueueServer(clock, { isOpen });
      const connect = () => connectLedger(server, storeFor("survivor"), context(clock, "survivor"));
      ({ trial, close } = await BrokerTrial.start({ clock, connect, dispose: async () => {} }));
    });
    afterEach(() => close());

    function storeFor(instance: string): Store {
      const { store } = engine.driver(context(clock, instance));
      if (!store) throw new Error("memory has a store");
      return store;
    }

    /** A process that dies in the middle. */
    async function mortal(): Promise<{ broker: LedgerBroker; isDead(): boolean; dieAt(fatal: Fatal): void }> {
      let fatal: Fatal = {};
      let dead = false;
      const die = (): Promise<never> => {
        dead = true;
        broker.abandon();
        queues.die();
        return new Promise(() => {});
      };
      const queues = server.connect();
      const store = watched(storeFor("mortal"), (member, given) => {
        const isFatal =
          (member === "put" || member === "append") &&
          fatal.write !== undefined &&
          String(given[0]).startsWith(fatal.write);
        const isResult = fatal.result && member === "put" && Object.hasOwn(given[1] as object, "copies");
        return dead || isFatal || isResult ? die() : undefined;
      });
      const watchedQueues = watched<QueueEngine>(queues, (member, given) => {
        const isPut = member === "put" && (given[0] as NewCopy[]).some(({ inbox }) => inbox === fatal.put);
        return dead || isPut || (member === "acknowledge" && fatal.acknowledge) ? die() : undefined;
      });
      const broker = new LedgerBroker(watchedQueues, store, context(clock, "mortal"));
      await store.open();
      await broker.open();
      return { broker, isDead: () => dead, dieAt: (one) => void (fatal = one) };
    }

    /** Sends a message, and lets a process settle it that dies; the reply is what it was to emit. */
    async function settleAndDie(fatal: Fatal): Promise<{ message: Envelope; reply: Envelope }> {
      await trial.declare("inbox");
      await trial.declare("reply");
      const message = await trial.send("inbox");
      const { broker, dieAt, isDead } = await mortal();
      const delivery: Delivery = await (await trial.take("inbox", { broker })).next();
      dieAt(fatal);
      const reply = trial.message({ inReplyTo: message.id });
      void delivery.settle({ outcome: "end", record: recordOf(delivery), emit: [{ message: reply, to: ["reply"] }] });
      await trial.until("it has died", isDead);
      // Longer than a process counts as alive that is not heard of.
      await trial.pass(35_000);
      return { message, reply };
    }

    it.each<[string, Fatal]>([
      ["before the record is in its log", { write: "receipts/" }],
      ["before what it emits is stored", { put: "reply" }],
      ["before the copy is acknowledged", { acknowledge: true }],
    ])("has its settle finished by another: %s", async (name, fatal) => {
      const { message, reply } = await settleAndDie(fatal);
      const taker = await trial.take("reply");
      expect((await taker.next()).message).toEqual(reply);
      await (await trial.take("inbox")).nothing();
      expect((await trial.ends(message.id))[0]).toMatchObject({ end: "acknowledged", instance: "taker" });
      // Without an engine that knows doubles, what was sent and not confirmed may come twice.
      if (isOpen || name.includes("emits")) await taker.nothing();
      expect(await trial.status("inbox")).toMatchObject({ accepted: 1, waiting: 0, ended: { acknowledged: 1 } });
    });

    it("goes on with a settle that failed halfway, when its holder tries again", async () => {
      await trial.declare("inbox");
      await trial.declare("reply");
      const message = await trial.send("inbox");
      let failures = 0;
      const store = watched(storeFor("unlucky"), (member) =>
        member === "append" && failures++ === 0 ? Promise.reject(new Error("no space")) : undefined,
      );
      const broker = new LedgerBroker(server.connect(), store, context(clock, "unlucky"));
      await store.open();
      await broker.open();
      const delivery = await (await trial.take("inbox", { broker })).next();
      const emit = [{ message: trial.message(), to: ["reply"] }];
      const settle = async () => delivery.settle({ outcome: "end", record: recordOf(delivery), emit });
      await expect(settle()).rejects.toThrow("no space");
      expect(await settle()).toBe("settled");
      expect(await settle()).toBe("already");
      expect(await trial.ended(message)).toMatchObject({ end: "acknowledged" });
      if (isOpen) expect((await trial.status("reply")).accepted).toBe(1);
      await broker.close();
    });

    it("leaves a key without a result, under which the next sender stores the message once", async () => {
      await trial.declare("inbox");
      const { broker, dieAt, isDead } = await mortal();
      dieAt({ put: "inbox" });
      const dedupe = { key: "k", fingerprint: "f", window: 600_000 };
      const first: Publication = { message: trial.message(), to: ["inbox"], dedupe };
      void broker.publish([first]);
      await trial.until("it has died", isDead);
      expect((await trial.status("inbox")).accepted).toBe(0);
      for (let round = 0; round < 2; round++) {
        const message = trial.message({ payload: first.message.payload });
        const again = await trial.accept({ message, to: ["inbox"], dedupe });
        const copies = [{ inbox: "inbox", state: "accepted" }];
        expect(again).toEqual({ status: "accepted", id: first.message.id, copies, duplicate: true });
      }
      const other = { message: trial.message(), to: ["inbox"], dedupe: { ...dedupe, fingerprint: "g" } };
      await trial.refuse(other, "ID_CONFLICT");
      expect((await trial.status("inbox")).accepted).toBe(1);
    });

    describe("after it has stored the message of a key, and before it has stored that", () => {
      let first: Publication;
      let sendAgain: () => Promise<unknown>;
      beforeEach(async () => {
        await trial.declare("inbox");
        const { broker, dieAt, isDead } = await mortal();
        dieAt({ result: true });
        const dedupe = { key: "k", fingerprint: "f", window: 600_000 };
        first = { message: trial.message(), to: ["inbox"], dedupe };
        sendAgain = () =>
          trial.accept({ message: trial.message({ payload: first.message.payload }), to: ["inbox"], dedupe });
        void broker.publish([first]);
        await trial.until("it has died", isDead);
      });

      it("has it handed out once when the key comes again while it waits", async () => {
        await sendAgain();
        const taker = await trial.take("inbox");
        expect((await taker.next()).message.id).toBe(first.message.id);
        await taker.nothing();
      });

      it("has it handed out once when the key comes again while somebody has it", async () => {
        const taker = await trial.take("inbox");
        const delivery = await taker.next();
        await sendAgain();
        await taker.nothing();
        expect(await end(delivery)).toBe("settled");
        await (await trial.take("inbox")).nothing();
      });

      it("has it handed out once when the key comes again after it has ended", async () => {
        const taker = await trial.take("inbox");
        await end(await taker.next());
        await sendAgain();
        await taker.nothing();
        expect(await trial.status("inbox")).toMatchObject({ accepted: 1, waiting: 0, ended: { acknowledged: 1 } });
      });
    });

    it("has its fan-out completed by another", async () => {
      await trial.declare("a");
      await trial.declare("b");
      const { broker, dieAt, isDead } = await mortal();
      dieAt({ put: "b" });
      const message = trial.message();
      void broker.publish([{ message, to: ["a", "b"], fanOut: true }]);
      await trial.until("it has died", isDead);
      await trial.pass(65_000);
      for (const inbox of ["a", "b"]) expect((await (await trial.take(inbox)).next()).message).toEqual(message);
      expect([(await trial.status("a")).accepted, (await trial.status("b")).accepted]).toEqual([1, 1]);
    });

    it("has its retry, and what it held back until later, handed out by another", async () => {
      await trial.declare("inbox");
      const retried = await trial.send("inbox");
      const { broker, dieAt, isDead } = await mortal();
      const delayed = trial.message();
      await broker.publish([{ message: delayed, to: ["inbox"], dueAt: trial.now() + 1_000 }]);
      const delivery = await (await trial.take("inbox", { broker })).next();
      dieAt({ put: "inbox" });
      void delivery.settle({ outcome: "retry", delay: 0 });
      await trial.until("it has died", isDead);
      await trial.pass(65_000);
      const taker = await trial.take("inbox");
      const got = await taker.take(2);
      expect(got.map(({ message, attempt }) => [message.id, attempt]).sort()).toEqual(
        [
          [retried.id, 2],
          [delayed.id, 1],
        ].sort(),
      );
      await taker.nothing();
    });
  },
);

/** An object whose methods are looked at when they are called: what `before` returns is returned in their place. */
function watched<T extends object>(
  target: T,
  before: (member: string, given: readonly unknown[]) => Promise<unknown> | undefined,
): T {
  return new Proxy(target, {
    get(_, member) {
      const value = Reflect.get(target, member) as unknown;
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown =>
        before(String(member), given) ?? (value as (...values: unknown[]) => unknown).apply(target, given);
    },
  });
}
