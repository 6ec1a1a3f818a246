import type { InboxStatus } from "../broker/inbox.ts";
import { ENDS, type End } from "../message/receipt-record.ts";
import type { EventHub } from "./event-hub.ts";
import type { BusEvent } from "./events.ts";

/** What this process has seen of one message type. */
export interface TypeCounts {
  readonly accepted: number;
  readonly duplicate: number;
  readonly unrouted: number;
  readonly skipped: number;
  readonly late: number;
  readonly offered: number;
  readonly retried: number;
  readonly ended: Readonly<Record<End, number>>;
  /** Milliseconds that handlers of acknowledged messages took, together. */
  readonly handling: number;
}

/** Where all copies of all inboxes are. */
export interface Accounting {
  readonly accepted: number;
  readonly ended: Readonly<Record<End, number>>;
  readonly waiting: number;
  /** Whether accepted is the sum of the ends and what waits. */
  readonly balanced: boolean;
}

type Outcome = Exclude<keyof TypeCounts, "ended" | "handling">;
type Counts = Record<Outcome, number> & { ended: Record<End, number>; handling: number };

/** Other types are counted together beyond so many: names come from anyone. */
const MOST_TYPES = 10_000;
const OTHERS = "(others)";

/** Counts this process's messages by type and outcome. */
export class MessageStats {
  readonly #types = new Map<string, Counts>();
  readonly #stop: () => void;

  constructor(events: EventHub) {
    this.#stop = events.on("*", (event) => this.#count(event));
  }

  /** The counts by message type, since the start. */
  byType(): Readonly<Record<string, TypeCounts>> {
    return Object.fromEntries(
      [...this.#types].map(([type, counts]) => [type, { ...counts, ended: { ...counts.ended } }]),
    );
  }

  close(): void {
    this.#stop();
  }

  #count(event: BusEvent): void {
    if (!("message" in event && "id" in event)) return;
    const counts = this.#of(event.message);
    switch (event.type) {
      case "message.accepted":
      case "message.duplicate":
      case "message.unrouted":
      case "message.skipped":
      case "message.late":
      case "message.offered":
      case "message.retried":
        counts[event.type.slice("message.".length) as Outcome]++;
        return;
      case "message.progress":
        return;
      case "message.acknowledged":
        counts.handling += event.duration;
        counts.ended.acknowledged++;
        return;
      default:
        counts.ended[event.type.slice("message.".length) as End]++;
    }
  }

  #of(type: string): Counts {
    const name = this.#types.has(type) || this.#types.size < MOST_TYPES ? type : OTHERS;
    let counts = this.#types.get(name);
    if (!counts) {
      counts = {
        accepted: 0,
        duplicate: 0,
        unrouted: 0,
        skipped: 0,
        late: 0,
        offered: 0,
        retried: 0,
        ended: noEnds(),
        handling: 0,
      };
      this.#types.set(name, counts);
    }
    return counts;
  }
}

/** Adds up inboxes: accepted equals the six ends and what waits, always. */
export function accounting(inboxes: readonly InboxStatus[]): Accounting {
  const ended = noEnds();
  let accepted = 0;
  let waiting = 0;
  for (const inbox of inboxes) {
    accepted += inbox.accepted;
    waiting += inbox.waiting;
    for (const end of ENDS) ended[end] += inbox.ended[end];
  }
  const sum = ENDS.reduce((total, end) => total + ended[end], waiting);
  return { accepted, ended, waiting, balanced: sum === accepted };
}

function noEnds(): Record<End, number> {
  return { acknowledged: 0, expired: 0, "dead-lettered": 0, superseded: 0, withdrawn: 0, dropped: 0 };
}
