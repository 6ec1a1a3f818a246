// Sends and handles messages in one process, over several openings of the database, while every write to its files is recorded.
import { AgentwireError, type Bus, connect, defineAgent } from "../../../src/index.ts";
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

const say = (what: string, error: unknown): void =>
  void process.stdout.write(`${what} ${AgentwireError.is(error) ? error.code : String(error)}\n`);

async function opened(): Promise<Bus> {
  const bus = await connect(task.url, { name: "sender", logger: false });
  notes.follow(bus);
  try {
    await bus.join(
      defineAgent({ name: "worker", concurrency: 4 }).on(Job, (message, context) => {
        notes.handOff(message, context);
        notes.ack(message.payload.key, "invoke");
      }),
    );
    // Nobody reads the shelf: what goes there must be found there.
    await bus.join(defineAgent({ name: "shelf", receives: [Job] }));
    return bus;
  } catch (error) {
    await bus.close().catch((fault: unknown) => say("unclosed", fault));
    throw error;
  }
}

/** What the disk refuses, it refuses now and then only. */
async function openedInTheEnd(): Promise<Bus> {
  for (;;) {
    try {
      return await opened();
    } catch (error) {
      say("unopened", error);
    }
  }
}

for (let opening = 1; opening <= task.openings; opening++) {
  const bus = await openedInTheEnd();
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
        try {
          const { id } = await bus.send(Job, payload, { to });
          history.note({ event: "send", step: "ok", key, sender: "sender", id });
        } catch (error) {
          const isOpen = AgentwireError.is(error, "INDETERMINATE");
          history.note({ event: "send", step: isOpen ? "unknown" : "fail", key, sender: "sender" });
          say("error", error);
        }
      }),
    );
  }
  await bus.close().catch((error: unknown) => say("unclosed", error));
}
process.stdout.write("done\n");
// One that the disk did not let close would keep it alive.
process.exit();
