// Sends and handles messages in one process, over several openings of the database, while every write to its files is recorded.
import { connect, defineAgent } from "../../../src/index.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { HistoryWriter } from "../history-file.ts";
import { HolderNotes } from "../holder-notes.ts";
import { digestOf, Job, jobFor } from "../roles/job.ts";

/** What a recorded program is told to do. */
export interface RecordedTask {
  readonly url: string;
  readonly history: string;
  readonly seed: number;
  readonly messages: number;
  readonly largest: number;
  /** How often the database is opened; each closing moves the log into the file. */
  readonly openings: number;
}

const task = JSON.parse(process.argv[2] as string) as RecordedTask;
const history = new HistoryWriter(task.history);
const notes = new HolderNotes({ history: task.history, agent: "worker", instance: "only" });
const random = seededRandom(task.seed);
let number = 0;

for (let opening = 1; opening <= task.openings; opening++) {
  const bus = await connect(task.url, { name: "sender", logger: false });
  notes.follow(bus);
  await bus.join(
    defineAgent({ name: "worker", concurrency: 4 }).on(Job, (message, context) => {
      notes.handOff(message, context);
      notes.ack(message.payload.key, "invoke");
    }),
  );
  // Nobody reads the shelf: what goes there must be found there.
  await bus.join(defineAgent({ name: "shelf", receives: [Job] }));
  const until = Math.ceil((task.messages * opening) / task.openings);
  while (number < until) {
    const burst = Array.from({ length: 1 + Math.floor(random() * 12) }, () => `m-${number++}`);
    await Promise.all(
      burst.map(async (key) => {
        const payload = jobFor(key, task.seed, task.largest);
        const to = random() < 0.5 ? "worker" : "shelf";
        history.note({
          event: "send",
          step: "invoke",
          key,
          sender: "sender",
          recipients: [to],
          digest: digestOf(payload),
        });
        const { id } = await bus.send(Job, payload, { to });
        history.note({ event: "send", step: "ok", key, sender: "sender", id });
      }),
    );
  }
  await bus.close();
}
process.stdout.write("done\n");
