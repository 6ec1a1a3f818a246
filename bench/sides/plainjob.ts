import { join } from "node:path";
import Database from "better-sqlite3";
import { better, defineQueue, defineWorker, type Job, JobStatus } from "plainjob";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler } from "../harness/messages.ts";
import type { Side } from "../harness/task.ts";

const JOB = "work";
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** plainjob, a job queue on SQLite; it has no priorities and syncs no commit (class `process`). Settings: `phase`, `manner`. */
export const plainjob: Side = (task) => {
  const text = filler(task.size);
  const queue = defineQueue({ connection: better(new Database(join(task.folder, "plainjob.db"))), logger: quiet });
  let worker: ReturnType<typeof defineWorker> | undefined;
  let handled = (_job: Job): void => {};
  const count = (status: JobStatus): number => queue.countJobs({ status });
  return measureQueue(task, {
    send(sequence) {
      queue.add(JOB, envelope(sequence, text));
      // Its worker lives on the same thread: without a turn it would never run beside a sender.
      return Promise.resolve();
    },
    sendMany(sequences) {
      queue.addMany(
        JOB,
        sequences.map((sequence) => envelope(sequence, text)),
      );
      return Promise.resolve();
    },
    start(handle) {
      handled = (job) => handle((JSON.parse(job.data) as BenchEnvelope).payload.sequence);
      worker = defineWorker(JOB, (job) => handled(job), { queue, logger: quiet, pollIntervall: 1 });
      void worker.start();
    },
    async settled() {
      while (count(JobStatus.Pending) + count(JobStatus.Processing) > 0) await new Promise(setImmediate);
    },
    remaining: () => count(JobStatus.Pending) + count(JobStatus.Processing) + count(JobStatus.Failed),
    async close() {
      await worker?.stop();
      queue.close();
    },
  });
};
