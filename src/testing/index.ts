export { brokerConformance } from "./conformance/broker/index.ts";
export { storeConformance } from "./conformance/store/index.ts";
export type { ConformanceEngine, ConformanceOptions, EngineTime } from "./conformance/suite.ts";
export { FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export { FaultProxy, type FaultProxyOptions, type ProxyConnection, type ProxyFaults } from "./fault-proxy.ts";
export type { Faults } from "./faulty-broker.ts";
export {
  claimsOf,
  type DriverName,
  GUARANTEES,
  type Guarantee,
  type GuaranteeId,
  type GuaranteeLevel,
  gapOf,
  gapsOf,
} from "./guarantees.ts";
export { checkHistory, type HistoryCounts, type HistoryRules, type HistoryVerdict } from "./history-checker.ts";
export type { AckEvent, EndEvent, HandOffEvent, HistoryEvent, SendEvent, WaitingEvent } from "./history-events.ts";
export type { LineFaults, LineWay } from "./line-faults.ts";
export { type TestBus, type TestBusOptions, type TestClock, testBus } from "./test-bus.ts";
