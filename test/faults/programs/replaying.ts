// Sends again every dead letter of a wire version that this release reads, and says how many.
import { connect } from "../../../src/index.ts";

/** What a replaying program is told to do. */
export interface ReplayingTask {
  readonly url: string;
}

const task = JSON.parse(process.argv[2] as string) as ReplayingTask;
const bus = await connect(task.url, { logger: false });
const letters = await bus.deadLetters.list({ code: "VERSION_UNSUPPORTED", limit: 1_000_000 });
for (const { message, recipient } of letters) await bus.deadLetters.replay(message.id, { agent: recipient });
process.stdout.write(`replayed ${letters.length}\n`);
await bus.close();
