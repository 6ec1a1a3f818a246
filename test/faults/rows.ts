import type { Row } from "./row.ts";
import { consumerKilled } from "./rows/consumer-killed.ts";
import { consumerStopped } from "./rows/consumer-stopped.ts";
import { duplicatePublish } from "./rows/duplicate-publish.ts";
import { embedderKilled } from "./rows/embedder-killed.ts";
import { gracefulStop } from "./rows/graceful-stop.ts";
import { offlineAgent } from "./rows/offline-agent.ts";
import { poison } from "./rows/poison.ts";
import { powerLoss } from "./rows/power-loss.ts";
import { publisherKilled } from "./rows/publisher-killed.ts";

/** The rows of the fault matrix that run on sqlite, in its order. */
export const ROWS: readonly Row[] = [
  consumerKilled,
  publisherKilled,
  embedderKilled,
  powerLoss,
  consumerStopped,
  poison,
  duplicatePublish,
  gracefulStop,
  offlineAgent,
];
