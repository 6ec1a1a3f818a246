import type { Broker } from "../broker/broker.ts";
import type { Waiting } from "../broker/inbox.ts";
import type { Publication } from "../broker/publication.ts";
import { AgentwireError } from "../errors.ts";
import { REMEMBERED } from "./marks.ts";

const BATCH = 500;
/** What the names of inboxes start with in which processes wait for replies. */
const REPLIES = "$reply.";

/** Two brokers, and what is told on the way. */
export interface MessagePassage {
  readonly from: Broker;
  readonly to: Broker;
  onProgress(name: string, done: number): void;
}

/** What was carried; see {@link MigrationReport}. */
export interface CarriedMessages {
  readonly messages: number;
  readonly messagesThereBefore: number;
  readonly inboxesLeft: readonly string[];
}

/** Copies all that waits, in its order, and takes nothing. What has arrived before is not stored again. @throws UNSUPPORTED */
export async function carryMessages({ from, to, onProgress }: MessagePassage): Promise<CarriedMessages> {
  if (!from.capabilities.peek)
    throw new AgentwireError(
      "UNSUPPORTED",
      `What waits on ${from.capabilities.driver} cannot be read without taking it`,
    );
  const inboxes = await from.inspect();
  let messages = 0;
  let before = 0;
  for (const { name, capacity, overflow, paused, waiting } of inboxes) {
    if (name.startsWith(REPLIES)) continue;
    await to.declareInbox({ name, capacity, overflow, paused });
    if (waiting === 0) continue;
    const [inbox] = await from.inspect([name], { peek: waiting });
    const found = inbox?.messages ?? [];
    for (let at = 0; at < found.length; at += BATCH) {
      const batch = found.slice(at, at + BATCH);
      for (const result of await to.publish(batch.map(publicationOf))) {
        if (result.status === "failed") throw result.error;
        if (result.status === "accepted" && result.duplicate) before++;
      }
      messages += batch.length;
      onProgress(name, messages);
    }
  }
  const inboxesLeft = inboxes.map(({ name }) => name).filter((name) => name.startsWith(REPLIES));
  return { messages, messagesThereBefore: before, inboxesLeft };
}

function publicationOf({ inbox, message, attempt, dueAt }: Waiting): Publication {
  return {
    message,
    to: [inbox],
    dedupe: { key: `$migration/${inbox}/${message.id}`, fingerprint: message.id, window: REMEMBERED },
    ...(attempt === 0 ? {} : { attempt }),
    ...(dueAt === undefined ? {} : { dueAt }),
  };
}
