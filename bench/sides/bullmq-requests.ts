import { Queue, QueueEvents, Worker } from "bullmq";
import { startRedis } from "../../scripts/servers/redis.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { type BenchEnvelope, envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { numberSetting, type Side, textSetting } from "../harness/task.ts";

const NAME = "ask";

/** A job whose result is awaited, worked on by another process. Settings: `appendfsync`. */
export const bullmqRequests: Side = async (task) => {
  const server = await startRedis({
    folder: task.folder,
    settings: { appendfsync: textSetting(task, "appendfsync") },
  });
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  // A job that is removed at once can be gone before its result was asked for.
  const queue = new Queue<BenchEnvelope, { sequence: number }>(NAME, {
    connection,
    defaultJobOptions: { removeOnComplete: { count: 1000 } },
  });
  const events = new QueueEvents(NAME, { connection });
  await events.waitUntilReady();
  const partner = await startPartner({
    ...task,
    side: "bullmq-answerer",
    settings: { ...task.settings, port: server.port },
  });
  const text = filler(task.size);
  const figures = await measureRoundTrips(task, async (sequence) => {
    const job = await queue.add(NAME, envelope(sequence, text));
    return job.waitUntilFinished(events, 10_000);
  });
  await partner.stop();
  await events.close();
  await queue.close();
  await server.stop();
  return figures;
};

/** The other process. Settings: `port`. */
export const bullmqAnswerer: Side = async (task) => {
  const connection = { host: "127.0.0.1", port: numberSetting(task, "port"), maxRetriesPerRequest: null };
  const worker = new Worker<BenchEnvelope>(NAME, async (job) => ({ sequence: job.data.payload.sequence }), {
    connection,
  });
  await worker.waitUntilReady();
  return partnerReady();
};
