import { assemble } from "../connect.ts";
import type { ConnectOptions } from "../connect-options.ts";
import type { Bus } from "../connected-bus.ts";
import { MemoryEngine } from "../drivers/memory/index.ts";
import { type Duration, parseDuration } from "../message/duration.ts";
import type { Envelope } from "../message/envelope.ts";
import type { Message, MessageType } from "../message/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Faults, FaultyBroker } from "./faulty-broker.ts";
import { seededRandom } from "./seeded-random.ts";

/** Options of {@link testBus}. */
export interface TestBusOptions extends Omit<ConnectOptions, "store"> {
  /** Decides every random thing; default: a new one, told in `seed` so that a failure can be repeated exactly. */
  readonly seed?: number;
  readonly faults?: Faults;
}

/** Time of a test bus: it passes only when told to. */
export interface TestClock {
  /** Wall milliseconds. */
  now(): number;
  /** Lets time pass: retries, delays, expiries and timeouts due meanwhile happen in their order. */
  advance(duration: Duration): Promise<void>;
  /** Makes the wall clock jump, forwards or back. */
  jump(by: number): void;
}

/** A bus in this process, with time in the test's hand and faults that a seed repeats. */
export interface TestBus extends Bus {
  readonly seed: number;
  readonly clock: TestClock;
  /** Messages of a type that were accepted, in order. */
  sent<T extends MessageType>(type: T): Message<T>[];
  /** Cuts the bus off from its engine, or heals the cut. */
  partition(cut: boolean): void;
}

/** Opens a bus for tests: in memory, on a fake clock, with seeded faults. */
export async function testBus(options: TestBusOptions = {}): Promise<TestBus> {
  const { seed = Math.floor(Math.random() * 2 ** 32), faults = {}, ...connectOptions } = options;
  const random = seededRandom(seed);
  const clock = new FakeClock();
  const sent: Envelope[] = [];
  let broker: FaultyBroker | undefined;
  const bus = await assemble(
    "memory:",
    { logger: false, ...connectOptions },
    {
      clock,
      random,
      loadDriver: async (_url, context) => {
        const skew = faults.clockSkew ?? 0;
        const engineClock =
          skew === 0
            ? clock
            : { now: () => clock.now() + skew, monotonic: () => clock.monotonic(), after: clock.after.bind(clock) };
        const driver = new MemoryEngine(engineClock).driver(context);
        broker = new FaultyBroker(driver.broker, {
          faults,
          random,
          clock,
          onAccepted: (message) => sent.push(message),
        });
        return { ...driver, broker };
      },
    },
  );
  const close = bus.close.bind(bus);
  return Object.assign(bus, {
    // Grace would be waited for on a clock that stands still.
    close: (options: Parameters<Bus["close"]>[0] = { grace: 0 }) => close(options),
    seed,
    clock: {
      now: () => clock.now(),
      advance: (duration: Duration) => clock.advance(parseDuration(duration, { name: "duration" })),
      jump: (by: number) => clock.jump(by),
    },
    sent: <T extends MessageType>(type: T) =>
      sent.filter((message) => message.type === type.name) as unknown as Message<T>[],
    partition: (cut: boolean) => {
      if (!broker) return;
      if (cut) broker.partitioned = true;
      else broker.heal();
    },
  });
}
