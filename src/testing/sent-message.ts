import type { SendEvent } from "./history-events.ts";

/** What is known of one message from its sender. */
export interface SentMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly lane: string;
  readonly digest: string | undefined;
  /** When the first send of it began. */
  readonly at: number;
  expiresAt: number | undefined;
  step: SendEvent["step"];
}

/** Adds a step of a send to what is known; a repetition with the same key is the same message. */
export function noteSend(sends: Map<string, SentMessage>, event: SendEvent): void {
  const known = sends.get(event.key);
  if (!known) {
    const { sender, recipients = [], lane = "", digest, at, expiresAt, step } = event;
    sends.set(event.key, { sender, recipients, lane, digest, at, expiresAt, step });
    return;
  }
  known.expiresAt ??= event.expiresAt;
  // One resolved send makes it accepted, whatever a repetition with the same key meets; a doubt is never cleared by a refusal.
  if (known.step === "ok" || (known.step === "unknown" && event.step !== "ok")) return;
  if (event.step !== "invoke" || known.step === "fail") known.step = event.step;
}
