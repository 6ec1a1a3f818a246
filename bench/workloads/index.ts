import type { Workload } from "../harness/workload.ts";
import { memoryWorkloads } from "./memory.ts";
import { natsWorkloads } from "./nats.ts";
import { postgresWorkloads } from "./postgres.ts";
import { processWorkloads } from "./process.ts";
import { rabbitmqWorkloads } from "./rabbitmq.ts";
import { redisWorkloads } from "./redis.ts";
import { spreadWorkloads } from "./spread.ts";
import { sqliteLife } from "./sqlite-life.ts";
import { sqliteThroughput } from "./sqlite-throughput.ts";

/** All workloads, in the order in which they run. */
export const WORKLOADS: readonly Workload[] = [
  ...memoryWorkloads,
  ...sqliteThroughput,
  ...sqliteLife,
  ...postgresWorkloads,
  ...redisWorkloads,
  ...natsWorkloads,
  ...rabbitmqWorkloads,
  ...spreadWorkloads,
  ...processWorkloads,
];
