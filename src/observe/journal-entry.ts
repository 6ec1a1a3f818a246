import type { JournaledMessage } from "../broker/journal-log.ts";
import type { BusEvent } from "./events.ts";

/** Anything else that happened. */
export interface JournaledEvent {
  readonly kind: "event";
  /** When the journal was told, in wall milliseconds; the event has its own time. */
  readonly at: number;
  readonly event: BusEvent;
}

/** One thing that the journal keeps. */
export type JournalEntry = JournaledMessage | JournaledEvent;

/** An entry with its place in the journal. */
export type Journaled<E extends JournalEntry = JournalEntry> = E & {
  /** Names the place: reading goes on after it. */
  readonly cursor: string;
};

/** Which entries are meant: an AND of what is given. */
export interface HistoryFilter {
  readonly conversation?: string;
  /** Sent it, received it, or is what the event is about. */
  readonly agent?: string;
  readonly channel?: string;
  /** Name of a message type. */
  readonly type?: string;
  /** Wall milliseconds, from this one on. */
  readonly from?: number;
  /** Wall milliseconds, up to and without this one. */
  readonly to?: number;
}

/** Whether a filter means an entry. */
export function matchesHistory(entry: JournalEntry, filter: HistoryFilter): boolean {
  const facts = entry.kind === "message" ? messageFacts(entry) : eventFacts(entry.event);
  return (
    (filter.from === undefined || entry.at >= filter.from) &&
    (filter.to === undefined || entry.at < filter.to) &&
    (filter.conversation === undefined || facts.conversation === filter.conversation) &&
    (filter.channel === undefined || facts.channel === filter.channel) &&
    (filter.type === undefined || facts.type === filter.type) &&
    (filter.agent === undefined || facts.agents.includes(filter.agent))
  );
}

interface Facts {
  readonly conversation?: string | undefined;
  readonly channel?: string | undefined;
  readonly type?: string | undefined;
  readonly agents: readonly (string | undefined)[];
}

function messageFacts({ message, recipients }: JournaledMessage): Facts {
  return {
    conversation: message.conversationId,
    channel: message.channel,
    type: message.type,
    agents: [message.from, ...recipients],
  };
}

function eventFacts(event: BusEvent): Facts {
  if ("id" in event) {
    const recipients = "recipient" in event ? [event.recipient] : [];
    return {
      conversation: event.conversation,
      channel: event.channel,
      type: event.message,
      agents: [event.from, ...recipients],
    };
  }
  return {
    channel: "channel" in event ? event.channel : undefined,
    agents: "agent" in event ? [event.agent] : [],
  };
}
