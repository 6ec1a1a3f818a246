import { CopyHistory, type Fault } from "./copy-history.ts";
import { outOfOrder } from "./hand-off-order.ts";
import type { HistoryEvent } from "./history-events.ts";
import { noteSend, type SentMessage } from "./sent-message.ts";

/** What {@link checkHistory} is to look at beside the promises that always hold. */
export interface HistoryRules {
  /** First hand-offs follow the order of sending in each (sender, recipient, lane). Default false: not looked at. */
  readonly ordered?: boolean;
  /** Hand-offs so many milliseconds after `expiresAt` are not yet late; default 250. */
  readonly lateness?: number;
}

/** What a history shows. Each list names copies as `key -> recipient`; an empty list is a promise kept. */
export interface HistoryVerdict {
  /** Accepted, and found nowhere: not acknowledged, not ended, not waiting. */
  readonly lost: readonly string[];
  /** Handed off, and never sent; or sent, refused for certain, and handed off all the same. */
  readonly invented: readonly string[];
  /** Handed off with another payload than was sent. */
  readonly corrupted: readonly string[];
  /** Handed off again after a confirmed ack, or confirmed twice. */
  readonly repeated: readonly string[];
  /** Handed off more than once as a first attempt that is not `redelivered`. */
  readonly unmarked: readonly string[];
  readonly outOfOrder: readonly string[];
  /** Handed off after it had expired. */
  readonly late: readonly string[];
  /** Still in an inbox after the drain. */
  readonly stuck: readonly string[];
  readonly counts: HistoryCounts;
}

/** How much a history holds. */
export interface HistoryCounts {
  /** Sends that resolved. */
  readonly accepted: number;
  /** Sends whose outcome the sender does not know. */
  readonly unknown: number;
  readonly refused: number;
  readonly handOffs: number;
  readonly acknowledged: number;
  /** Copies that ended otherwise. */
  readonly ended: number;
  /** Hand-offs beyond the first of each copy. */
  readonly duplicates: number;
  /** Of these, begun by a holder that had been paused until its copy had gone to another. */
  readonly overtaken: number;
}

/** Judges what programs wrote down, alone from the events: no counter of the software under test is believed. Events may come in any order. */
export function checkHistory(events: Iterable<HistoryEvent>, rules: HistoryRules = {}): HistoryVerdict {
  const sorted = [...events].sort((a, b) => a.at - b.at);
  const sends = new Map<string, SentMessage>();
  const copies = new Map<string, CopyHistory>();
  for (const event of sorted) {
    if (event.event === "send") {
      noteSend(sends, event);
    } else {
      const name = `${event.key} -> ${event.recipient}`;
      let copy = copies.get(name);
      if (!copy) copies.set(name, (copy = new CopyHistory(name, event.key, event.recipient)));
      copy.note(event);
    }
  }
  const faults: Record<Fault, string[]> = {
    lost: [],
    invented: [],
    corrupted: [],
    repeated: [],
    unmarked: [],
    late: [],
    stuck: [],
  };
  for (const copy of copies.values()) {
    for (const fault of copy.faults(sends.get(copy.key), rules.lateness ?? 250)) faults[fault].push(copy.name);
  }
  for (const [key, sent] of sends) {
    if (sent.step !== "ok") continue;
    for (const recipient of sent.recipients) {
      const name = `${key} -> ${recipient}`;
      if (!copies.get(name)?.accounted) faults.lost.push(name);
    }
  }
  return {
    ...faults,
    outOfOrder: rules.ordered ? outOfOrder(sends, copies.values()) : [],
    counts: countsOf(sends, copies),
  };
}

function countsOf(sends: ReadonlyMap<string, SentMessage>, copies: ReadonlyMap<string, CopyHistory>): HistoryCounts {
  const steps = [...sends.values()].map((sent) => sent.step);
  const all = [...copies.values()];
  const handOffs = all.reduce((sum, copy) => sum + copy.handOffs, 0);
  return {
    accepted: steps.filter((step) => step === "ok").length,
    unknown: steps.filter((step) => step === "unknown" || step === "invoke").length,
    refused: steps.filter((step) => step === "fail").length,
    handOffs,
    acknowledged: all.filter((copy) => copy.confirmed).length,
    ended: all.filter((copy) => copy.ended).length,
    duplicates: handOffs - all.filter((copy) => copy.handOffs > 0).length,
    overtaken: all.reduce((sum, copy) => sum + copy.overtaken, 0),
  };
}
