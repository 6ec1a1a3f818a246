import type { AckEvent, EndEvent, HandOffEvent, WaitingEvent } from "./history-events.ts";
import type { SentMessage } from "./sent-message.ts";

/** What can be wrong with one copy of a message. */
export type Fault = "lost" | "invented" | "corrupted" | "repeated" | "unmarked" | "late" | "stuck";

/** What became of one recipient's copy, gathered in the order of time. */
export class CopyHistory {
  readonly name: string;
  readonly key: string;
  readonly recipient: string;
  readonly #digests = new Set<string>();
  readonly #faults = new Set<Fault>();
  readonly #attempts = new Set<number>();
  #unmarked = 0;
  #confirmations = 0;
  #ackTried = false;
  #ends = 0;
  #waiting = false;
  #lastWall = Number.NEGATIVE_INFINITY;
  handOffs = 0;
  /** Hand-offs that a paused holder began after its copy had gone to another. */
  overtaken = 0;
  /** When it was first handed off, in monotonic milliseconds. */
  firstAt: number | undefined;

  constructor(name: string, key: string, recipient: string) {
    this.name = name;
    this.key = key;
    this.recipient = recipient;
  }

  note(event: HandOffEvent | AckEvent | EndEvent | WaitingEvent): void {
    switch (event.event) {
      case "hand-off":
        return this.#handedOff(event);
      case "ack":
        if (event.step === "ok" && ++this.#confirmations > 1) this.#faults.add("repeated");
        if (event.step !== "lost") this.#ackTried = true;
        return;
      case "end":
        this.#ends++;
        return;
      case "waiting":
        this.#waiting = true;
    }
  }

  get confirmed(): boolean {
    return this.#confirmations > 0;
  }

  get ended(): boolean {
    return this.#ends > 0;
  }

  /** Whether it is somewhere: acknowledged, perhaps without the confirmation having arrived, ended, or waiting. */
  get accounted(): boolean {
    return this.#ackTried || this.ended || this.#waiting;
  }

  /** Everything wrong with this copy but loss, which only its sender's side can tell. */
  faults(sent: SentMessage | undefined, lateness: number): Fault[] {
    const faults = new Set(this.#faults);
    if (this.handOffs > 0 && (sent === undefined || sent.step === "fail" || !meant(sent, this.recipient)))
      faults.add("invented");
    if (sent?.digest !== undefined && [...this.#digests].some((digest) => digest !== sent.digest))
      faults.add("corrupted");
    if (sent?.expiresAt !== undefined && this.#lastWall > sent.expiresAt + lateness) faults.add("late");
    if (this.#waiting) faults.add("stuck");
    return [...faults];
  }

  #handedOff(event: HandOffEvent): void {
    const { attempt, redelivered } = event;
    // A process can be paused between taking a copy and writing that down: its attempt is then older than what came since.
    const overtaken = !this.#attempts.has(attempt) && [...this.#attempts].some((other) => other > attempt);
    if (overtaken) this.overtaken++;
    else if (this.confirmed) this.#faults.add("repeated");
    if (!redelivered && attempt <= 1 && ++this.#unmarked > 1) this.#faults.add("unmarked");
    this.#attempts.add(attempt);
    this.handOffs++;
    this.firstAt ??= event.at;
    if (event.digest !== undefined) this.#digests.add(event.digest);
    if (event.wall !== undefined) this.#lastWall = Math.max(this.#lastWall, event.wall);
  }
}

function meant(sent: SentMessage, recipient: string): boolean {
  return sent.recipients.length === 0 || sent.recipients.includes(recipient);
}
