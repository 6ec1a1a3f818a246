import type { DriverEvent } from "../broker/driver.ts";
import type { AgentStatus } from "../registry/record.ts";

interface About {
  /** Wall milliseconds. */
  readonly at: number;
}

interface AboutMessage extends About {
  readonly id: string;
  /** Name of the message type. */
  readonly message: string;
  readonly from: string;
  readonly conversation: string;
  readonly cause?: string;
  readonly channel?: string;
}

interface AboutCopy extends AboutMessage {
  readonly recipient: string;
  readonly instance?: string;
  readonly attempt: number;
}

/** A fact about a message, agent, channel or driver: plain data, told to whoever listens, kept in the journal where history is on. */
export type BusEvent =
  | (AboutMessage & {
      readonly type: "message.accepted";
      readonly recipients: readonly string[];
      readonly inReplyTo?: string;
    })
  | (AboutMessage & { readonly type: "message.unrouted" })
  | (AboutMessage & { readonly type: "message.duplicate" })
  /** A reply whose request had already ended. */
  | (AboutMessage & { readonly type: "message.late" })
  /** A channel copy not made, because the subscriber does not take the type. */
  | (AboutMessage & { readonly type: "message.skipped"; readonly recipient: string })
  | (AboutCopy & { readonly type: "message.offered" })
  | (AboutCopy & { readonly type: "message.acknowledged"; readonly duration: number })
  | (AboutCopy & {
      readonly type: "message.retried";
      readonly delay: number;
      readonly code: string;
      readonly reason: string;
    })
  | (AboutCopy & { readonly type: "message.dead-lettered"; readonly code: string; readonly reason: string })
  /** A handler has told how far it is: 0 to 1. */
  | (AboutCopy & { readonly type: "message.progress"; readonly fraction: number; readonly note?: string })
  | (AboutCopy & { readonly type: "message.expired" })
  | (AboutCopy & { readonly type: "message.dropped"; readonly reason?: string })
  | (AboutCopy & { readonly type: "message.superseded" })
  | (AboutCopy & { readonly type: "message.withdrawn" })
  | (About & { readonly type: "agent.joined" | "agent.left"; readonly agent: string; readonly instance: string })
  | (About & { readonly type: "agent.status"; readonly agent: string; readonly status: AgentStatus })
  | (About & {
      readonly type: "channel.subscribed" | "channel.unsubscribed";
      readonly channel: string;
      readonly agent: string;
    })
  | (About & { readonly type: "channel.closed"; readonly channel: string })
  | (About & DriverEvent);

/** The name of an event. */
export type EventType = BusEvent["type"];

/** The event of a given name. */
export type EventOf<T extends EventType> = Extract<BusEvent, { readonly type: T }>;
