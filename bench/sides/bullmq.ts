import { type Job, Queue, Worker } from "bullmq";
import { startRedis } from "../../scripts/servers/redis.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, levelOf } from "../harness/messages.ts";
import { type Side, textSetting } from "../harness/task.ts";

const NAME = "work";
const CONCURRENCY = 50;

/** BullMQ on a private Redis, ended jobs removed. Settings: `phase`, `manner`, `appendfsync`. */
export const bullmq: Side = async (task) => {
  const server = await startRedis({
    folder: task.folder,
    settings: { appendfsync: textSetting(task, "appendfsync") },
  });
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const queue = new Queue<BenchEnvelope>(NAME, {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: false },
  });
  const text = filler(task.size);
  let worker: Worker<BenchEnvelope> | undefined;
  const left = async (): Promise<number> => {
    const counts = await queue.getJobCounts("waiting", "prioritized", "active", "delayed", "failed");
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };
  // 0 would be BullMQ's faster, unordered lane; the five levels need 1 to 5.
  const options = (sequence: number): { priority: number } => ({ priority: levelOf(sequence) + 1 });
  await queue.waitUntilReady();
  const figures = await measureQueue(task, {
    send: (sequence) => queue.add(NAME, envelope(sequence, text), options(sequence)),
    sendMany: (sequences) =>
      queue.addBulk(
        sequences.map((sequence) => ({ name: NAME, data: envelope(sequence, text), opts: options(sequence) })),
      ),
    async start(handle) {
      const work = async (job: Job<BenchEnvelope>): Promise<void> => handle(job.data.payload.sequence);
      worker = new Worker<BenchEnvelope>(NAME, work, { connection, concurrency: CONCURRENCY });
      await worker.waitUntilReady();
    },
    async settled() {
      while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    remaining: left,
    async close() {
      await worker?.close();
      await queue.close();
    },
  });
  await server.stop();
  return figures;
};
