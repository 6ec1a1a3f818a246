import type { Side } from "../harness/task.ts";

/** Every side by name, loaded only in the process that runs it. */
export const SIDES: Readonly<Record<string, () => Promise<Side>>> = {
  "agentwire-answerer": async () => (await import("./agentwire-requests.ts")).agentwireAnswerer,
  "agentwire-backlog": async () => (await import("./agentwire-backlog.ts")).agentwireBacklog,
  "agentwire-calls": async () => (await import("./agentwire-calls.ts")).agentwireCalls,
  "agentwire-events": async () => (await import("./agentwire-events.ts")).agentwireEvents,
  "agentwire-idle": async () => (await import("./agentwire-idle.ts")).agentwireIdle,
  "agentwire-memory": async () => (await import("./agentwire-memory.ts")).agentwireMemory,
  "agentwire-queue": async () => (await import("./agentwire-queue.ts")).agentwireQueueSide,
  "agentwire-requests": async () => (await import("./agentwire-requests.ts")).agentwireRequests,
  "agentwire-start": async () => (await import("./start.ts")).startAgentwire,
  bullmq: async () => (await import("./bullmq.ts")).bullmq,
  "bullmq-answerer": async () => (await import("./bullmq-requests.ts")).bullmqAnswerer,
  "bullmq-requests": async () => (await import("./bullmq-requests.ts")).bullmqRequests,
  emittery: async () => (await import("./emitters.ts")).emittery,
  "event-emitter": async () => (await import("./emitters.ts")).eventEmitter,
  "floor-requests": async () => (await import("./floor-requests.ts")).floorRequests,
  "moleculer-calls": async () => (await import("./moleculer.ts")).moleculerCalls,
  "moleculer-events": async () => (await import("./moleculer.ts")).moleculerEvents,
  "node-start": async () => (await import("./start.ts")).startNode,
  "pg-boss": async () => (await import("./pg-boss.ts")).pgBoss,
  plainjob: async () => (await import("./plainjob.ts")).plainjob,
  "raw-batches": async () => (await import("./raw-batches.ts")).rawBatches,
  "raw-promises": async () => (await import("./raw-promises.ts")).rawPromises,
  "raw-single": async () => (await import("./raw-single.ts")).rawSingle,
  "socket-echo": async () => (await import("./floor-requests.ts")).socketEcho,
};
