export { FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export type { Faults } from "./faulty-broker.ts";
export { type TestBus, type TestBusOptions, type TestClock, testBus } from "./test-bus.ts";
