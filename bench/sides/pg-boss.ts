import PgBoss from "pg-boss";
import { startPostgres } from "../../scripts/servers/postgres.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, LEVELS, levelOf } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";

const NAME = "work";
const BATCH = 100;

/** pg-boss on a private PostgreSQL, fetched and completed in batches of 100. Settings: `phase`, `manner`. */
export const pgBoss: Side = async (task) => {
  const server = await startPostgres({ folder: task.folder });
  const boss = new PgBoss({ connectionString: server.url, max: 10 });
  boss.on("error", () => {});
  await boss.start();
  await boss.createQueue(NAME);
  const text = filler(task.size);
  const priority = (sequence: number): number => LEVELS.length - levelOf(sequence);
  let consuming: Promise<void> | undefined;
  let ending = false;
  const consume = async (handle: (sequence: number) => void): Promise<void> => {
    while (!ending) {
      const jobs = await boss.fetch<BenchEnvelope>(NAME, { batchSize: BATCH });
      if (jobs.length === 0) continue;
      for (const job of jobs) handle(job.data.payload.sequence);
      await boss.complete(
        NAME,
        jobs.map((job) => job.id),
      );
    }
  };
  // Fetched ones are counted too until they are completed.
  const left = (): Promise<number> => boss.getQueueSize(NAME, { before: "completed" });
  const figures = await measureQueue(task, {
    send: (sequence) => boss.send(NAME, envelope(sequence, text), { priority: priority(sequence) }),
    sendMany: (sequences) =>
      boss.insert(
        sequences.map((sequence) => ({ name: NAME, data: envelope(sequence, text), priority: priority(sequence) })),
      ),
    start(handle) {
      consuming = consume(handle);
    },
    async settled() {
      while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    remaining: left,
    async close() {
      ending = true;
      await consuming;
      await boss.stop({ graceful: false });
    },
  });
  await server.stop();
  return figures;
};
