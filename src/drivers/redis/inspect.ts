import type { InboxOverflow, InboxStatus, Waiting } from "../../broker/inbox.ts";
import type { Codec } from "../../message/codec.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import { ENDS, type End } from "../../message/receipt-record.ts";
import { partsOf, pastIn } from "./copy.ts";

type Text = string | Buffer;

/** A copy as the scripts tell of it: id, state, due time, claim, stored form, what is known of earlier hand-offs. */
export type FoundCopy = readonly [id: Text, state: Text, due: Text, held: Text, stored: Text, past: Text];

/** An inbox as the scripts tell of it. */
export type FoundInbox = readonly [
  name: Text,
  capacity: number,
  overflow: Text,
  paused: number,
  waiting: number,
  held: number,
  delayed: number,
  accepted: number,
  ended: readonly number[],
  oldest: Text,
  consumers: number,
  messages: readonly FoundCopy[],
];

/** The state of an inbox, with its first messages if `peek` asked for them. */
export function statusIn(
  found: FoundInbox,
  { codec, peek }: { readonly codec: Codec; readonly peek: number },
): InboxStatus {
  const [name, capacity, overflow, paused, waiting, held, delayed, accepted, ended, oldest, consumers, messages] =
    found;
  return {
    name: String(name),
    capacity,
    overflow: String(overflow) as InboxOverflow,
    paused: paused === 1,
    waiting,
    held,
    delayed,
    accepted,
    ended: Object.fromEntries(ENDS.map((end, at) => [end, ended[at] ?? 0])) as Record<End, number>,
    consumers,
    ...(oldest.length > 0 ? { oldest: Number(String(oldest)) } : {}),
    ...(peek > 0 ? { messages: messages.flatMap((copy) => waitingIn(String(name), copy, codec)) } : {}),
  };
}

/** A copy as `inspect` and `find` show it; none where it cannot be read. */
export function waitingIn(inbox: string, [, state, due, held, stored, past]: FoundCopy, codec: Codec): Waiting[] {
  if (stored.length === 0) return [];
  const { level, body } = partsOf(stored);
  const { a = 0 } = pastIn(past);
  const about = { inbox, priority: PRIORITIES[level] ?? "normal" };
  try {
    const message = codec.decode(body);
    if (String(state) === "held") {
      const [, , , , offeredAt, ...instance] = String(held).split("|");
      return [
        {
          ...about,
          message,
          attempt: a + 1,
          state: "held",
          instance: instance.join("|"),
          offeredAt: Number(offeredAt),
        },
      ];
    }
    if (String(state) === "delayed")
      return [{ ...about, message, attempt: a, state: "delayed", dueAt: Number(String(due)) }];
    return [{ ...about, message, attempt: a, state: "ready" }];
  } catch {
    // Whoever takes it puts it among the dead letters.
    return [];
  }
}
