import { connect } from "../../src/index.ts";
import { checkHistory } from "../../src/testing/history-checker.ts";
import type { WrittenEvent } from "./history-file.ts";
import { digestOf, type JobPayload } from "./roles/job.ts";
import { judged } from "./row.ts";

/** What {@link lookInto} counts and must find none of. */
export const PROMISED = ["lost", "acks undone", "corrupted", "invented"] as const;

/** What was found in an image. */
export type ImageCounts = Readonly<Record<(typeof PROMISED)[number] | "accepted", number>>;

/** Opens what a loss of power has left as a program would, and compares it with what had been confirmed by then. */
export async function lookInto(url: string, written: readonly WrittenEvent[]): Promise<ImageCounts> {
  const bus = await connect(url, { logger: false });
  try {
    const events: WrittenEvent[] = [];
    const ids = new Map(written.flatMap((event) => (event.id === undefined ? [] : [[event.id, event.key] as const])));
    const waiting = new Set<string>();
    for (const { name } of await bus.inboxes.list()) {
      const inbox = await bus.inboxes.get(name, { peek: 100_000 });
      for (const { message, attempt } of inbox?.messages ?? []) {
        const payload = message.payload as JobPayload;
        const copy = { at: Number.MAX_SAFE_INTEGER, key: payload.key, recipient: name };
        waiting.add(payload.key);
        // As if it were handed off now, so that its content is compared with what was sent.
        events.push({
          ...copy,
          event: "hand-off",
          instance: "image",
          attempt: attempt + 1,
          redelivered: attempt > 0,
          digest: digestOf(payload),
        });
        events.push({ ...copy, event: "end", end: "found waiting" });
      }
    }
    for (const [id, key] of ids) {
      const state = await bus.receipts.get(id);
      for (const [recipient, end] of Object.entries(state?.ends ?? {}))
        events.push({ event: "end", at: Number.MAX_SAFE_INTEGER, key, recipient, end });
    }
    // What a confirmed ack ended must be known as ended, not only as acknowledged once by somebody.
    const confirmed = new Set(
      written.filter((event) => event.event === "ack" && event.step === "ok").map((event) => event.key),
    );
    const { figures } = judged(checkHistory([...written.filter((event) => event.event === "send"), ...events]));
    return {
      accepted: Number(figures["accepted"]),
      lost: Number(figures["lost"]),
      corrupted: Number(figures["corrupted"]),
      invented: Number(figures["invented"]),
      "acks undone": [...confirmed].filter((key) => waiting.has(key)).length,
    };
  } finally {
    await bus.close();
  }
}
