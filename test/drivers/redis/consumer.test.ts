import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../src/broker/consumer.ts";
import { RedisConsumer } from "../../../src/drivers/redis/consumer.ts";
import type { RedisDelivery } from "../../../src/drivers/redis/delivery.ts";
import { handedOverIn } from "../../../src/drivers/redis/handed-over.ts";
import { SCRIPTS, type Script } from "../../../src/drivers/redis/lua/scripts.ts";
import type { Session } from "../../../src/drivers/redis/session.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { envelope } from "../../support/envelope.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const copy = (id: string, token: number): string[] => [
  id,
  String(token),
  `2\tnote\t1\tsender\n${jsonCodec.encode(envelope(id))}`,
  "",
];

/** A consumer on a server whose answers and wake-ups come when the test says so. */
class Bench {
  readonly given: string[] = [];
  readonly released: string[] = [];
  readonly calls: { readonly script: Script; readonly answer: (value: unknown) => void }[] = [];
  readonly consumer: RedisConsumer;

  constructor() {
    const session = {
      peer: "peer",
      context: { clock: systemClock, codec: jsonCodec, report: () => {} },
      run: (script: Script) => new Promise((answer) => this.calls.push({ script, answer })),
      heard: async () => {},
      momentOf: () => systemClock.monotonic(),
    };
    const desk = {
      settle: async ({ message }: RedisDelivery) => (this.released.push(message.id), "settled" as const),
      extend: async () => true,
    };
    const options = {
      instance: "one",
      lease: 30_000,
      renew: true,
      exclusive: true,
      onDeliveries: (deliveries: readonly Delivery[]) =>
        void this.given.push(...deliveries.map(({ message }) => message.id)),
    };
    const around = { session: session as unknown as Session, desk, holds: () => {}, onClose: () => {} };
    this.consumer = new RedisConsumer("inbox", options, around);
  }

  /** Answers the next call, which has to be one of this script. */
  async answer(script: Script, value: unknown): Promise<void> {
    await settled();
    const call = this.calls.shift();
    expect(call?.script).toBe(script);
    call?.answer(value);
    await settled();
  }

  async feed(copies: readonly string[], last: "more" | "last" = "more"): Promise<void> {
    this.consumer.told(handedOverIn(["id", "1000", "C", last, ...copies].join("\x1e")));
    await settled();
  }
}

describe("a consumer that is fed", () => {
  it("hands out what comes before the answer of its claim after that", async () => {
    const bench = new Bench();
    bench.consumer.credit(10);
    await settled();
    await bench.feed(copy("b", 2));
    expect(bench.given).toEqual([]);
    await bench.answer(SCRIPTS.claim, [1000, "", ...copy("a", 1)]);
    await bench.feed(copy("c", 3));
    expect(bench.given).toEqual(["a", "b", "c"]);
    expect(bench.calls).toEqual([]);
  });

  it("asks again once it is told that no more comes", async () => {
    const bench = new Bench();
    bench.consumer.credit(2);
    await bench.answer(SCRIPTS.claim, [1000, ""]);
    await bench.feed([...copy("a", 1), ...copy("b", 2)], "last");
    expect(bench.calls).toEqual([]);
    bench.consumer.credit(2);
    await bench.answer(SCRIPTS.claim, [1000, ""]);
    bench.consumer.told("look");
    await bench.answer(SCRIPTS.claim, [1000, ""]);
    expect(bench.given).toEqual(["a", "b"]);
  });

  it("gives back all that comes after something that it had no credit for, until it may ask again", async () => {
    const bench = new Bench();
    bench.consumer.credit(10);
    await bench.answer(SCRIPTS.claim, [1000, ""]);
    bench.consumer.credit(0);
    await bench.feed(copy("a", 1));
    bench.consumer.credit(10);
    await bench.feed(copy("b", 2));
    expect(bench.given).toEqual([]);
    expect(bench.released).toEqual(["a", "b"]);
    bench.consumer.told("look");
    await bench.answer(SCRIPTS.unwait, 0);
    await bench.answer(SCRIPTS.claim, [1000, "", ...copy("a", 3), ...copy("b", 4)]);
    expect(bench.given).toEqual(["a", "b"]);
  });

  it("leaves out what the server has taken back as unheard of, though it comes in the end", async () => {
    const bench = new Bench();
    bench.consumer.credit(10);
    await bench.answer(SCRIPTS.claim, [1000, ""]);
    const compared = bench.consumer.compare((script) => new Promise((answer) => bench.calls.push({ script, answer })));
    await bench.answer(SCRIPTS.held, ["a", "1"]);
    await bench.answer(SCRIPTS.settle, "");
    await compared;
    await bench.feed(copy("a", 1));
    await bench.answer(SCRIPTS.claim, [1000, "", ...copy("a", 2)]);
    expect(bench.given).toEqual(["a"]);
  });
});
