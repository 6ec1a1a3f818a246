import type { Row } from "./row.ts";
import { clockJumps } from "./rows/clock-jumps.ts";
import { consumerKilled } from "./rows/consumer-killed.ts";
import { consumerStopped } from "./rows/consumer-stopped.ts";
import { deadLettersRefused } from "./rows/dead-letters-refused.ts";
import { diskFull } from "./rows/disk-full.ts";
import { duplicatePublish } from "./rows/duplicate-publish.ts";
import { embedderKilled } from "./rows/embedder-killed.ts";
import { gracefulStop } from "./rows/graceful-stop.ts";
import { idle } from "./rows/idle.ts";
import { loopBlockedLong, loopBlockedShort } from "./rows/loop-blocked.ts";
import { manyClients } from "./rows/many-clients.ts";
import { offlineAgent } from "./rows/offline-agent.ts";
import { poison } from "./rows/poison.ts";
import { powerLoss } from "./rows/power-loss.ts";
import { publisherKilled } from "./rows/publisher-killed.ts";
import { releases } from "./rows/releases.ts";
import { replies } from "./rows/replies.ts";
import {
  connectionsReset,
  halfOpen,
  partition,
  serverDiskFull,
  serverKilled,
  serverStopped,
} from "./rows/server-faults.ts";
import { serverPowerLoss, unsyncedPowerLoss } from "./rows/server-power-loss.ts";
import { sharing } from "./rows/sharing.ts";
import { slowConsumer } from "./rows/slow-consumer.ts";
import { soak } from "./rows/soak.ts";
import { serverSyncFails, syncFails } from "./rows/sync-fails.ts";
import { unsyncedServer } from "./rows/unsynced-server.ts";
import { untidyAcks } from "./rows/untidy-acks.ts";

/** The rows of the fault matrix, in its order. */
export const ROWS: readonly Row[] = [
  consumerKilled,
  publisherKilled,
  serverKilled,
  unsyncedServer,
  embedderKilled,
  powerLoss,
  serverPowerLoss,
  unsyncedPowerLoss,
  serverStopped,
  consumerStopped,
  connectionsReset,
  partition,
  halfOpen,
  diskFull,
  serverDiskFull,
  syncFails,
  serverSyncFails,
  clockJumps,
  slowConsumer,
  poison,
  deadLettersRefused,
  duplicatePublish,
  loopBlockedLong,
  loopBlockedShort,
  untidyAcks,
  releases,
  gracefulStop,
  manyClients,
  replies,
  offlineAgent,
  idle,
  sharing,
  soak,
];
