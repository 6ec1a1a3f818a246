import { CPU, RATE, type Workload } from "../harness/workload.ts";

function fanOut(listeners: number): Workload {
  const settings = { driver: "memory", fanOut: listeners };
  return {
    name: `memory-fan-out-${listeners}`,
    about: `one process, memory driver: publish to ${listeners === 1 ? "one subscribed agent" : `${listeners} subscribed agents`}, 256 in flight`,
    columns: [{ ...RATE, title: "deliveries/s" }, CPU],
    count: listeners === 1 ? 500_000 : 2_000_000,
    unit: "deliveries",
    contestants: [
      { label: "agentwire memory", side: "agentwire-events", class: "none", settings },
      { label: "moleculer local events", side: "moleculer-events", class: "none", settings },
      { label: "emittery", side: "emittery", class: "none", settings },
      { label: "EventEmitter, bare", side: "event-emitter", class: "none", settings },
    ],
    targets: [{ figure: "rate", against: "moleculer local events", bound: "at least", target: 0.6, stretch: 1.5 }],
  };
}

const request: Workload = {
  name: "memory-request",
  about: "one process, memory driver: request and reply, 256 in flight",
  columns: [{ ...RATE, title: "replies/s" }, CPU],
  count: 300_000,
  unit: "messages",
  contestants: [
    { label: "agentwire memory", side: "agentwire-calls", class: "none", settings: { driver: "memory" } },
    { label: "moleculer local call", side: "moleculer-calls", class: "none" },
  ],
  targets: [
    { figure: "rate", bound: "at least", target: 200_000 },
    { figure: "rate", against: "moleculer local call", bound: "at least", target: 0.3 },
  ],
};

/** Without an engine: against what Node programs use within one process. */
export const memoryWorkloads: readonly Workload[] = [fanOut(1), fanOut(10), request];
