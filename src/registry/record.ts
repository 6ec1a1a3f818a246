/** What joined under a name. */
export type AgentKind = "agent" | "container" | "human" | "external" | "a2a" | "mcp" | "process";

/** How an agent is doing. `stale` and `offline` are found by missed heartbeats; the others are set by the agent or its load. */
export type AgentStatus = "online" | "busy" | "away" | "draining" | "stale" | "offline";

/** Something an agent can do, by name and perhaps version. */
export interface Capability {
  readonly name: string;
  readonly version?: string;
}

/** Limits an agent declares for what is sent to it; senders are held to them. */
export interface AgentLimits {
  /** Message types it takes at all; absent: those it handles or pulls. */
  readonly types?: readonly string[];
  /** Bytes of a payload, as JSON, at most. */
  readonly maxSize?: number;
}

/** Channel patterns that one agent is subscribed to at most. */
export const MOST_SUBSCRIPTIONS = 1_000;

/** What is known of an agent for as long as its name is registered: plain JSON, stored at `registry/agents/<name>`. */
export interface AgentRecord {
  readonly name: string;
  readonly kind: AgentKind;
  readonly description?: string;
  readonly role?: string;
  readonly department?: string;
  readonly region?: string;
  readonly labels?: readonly string[];
  readonly capabilities: readonly Capability[];
  /** Names of the message types it takes, by handler or by pull. */
  readonly receives: readonly string[];
  readonly sends: readonly string[];
  /** Channel patterns it is subscribed to. */
  readonly subscribes: readonly string[];
  /** Those of them that it subscribed to while running; they outlive a new definition. */
  readonly added?: readonly string[];
  /** Handlers that run at once in one instance. */
  readonly concurrency: number;
  readonly limits?: AgentLimits;
  /** Senders wait while its inbox is full. */
  readonly waits?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** JSON Schemas of the types it takes, where they can be exported. */
  readonly contract?: Readonly<Record<string, unknown>>;
  readonly firstSeen: number;
}

/**
 * What one process tells of its agents with each heartbeat: stored at `presence/<instance>` with a time to live, and
 * signalled. Liveness counts from when it arrives; no clock of the teller is believed.
 */
export interface Presence {
  readonly instance: string;
  /** Counts what this process has told, from 1; a smaller one that comes late is left aside. */
  readonly beat: number;
  /** Milliseconds until the next one is due. */
  readonly heartbeat: number;
  /** None: the process has left. */
  readonly agents: readonly InstanceState[];
}

/** One running copy of an agent, as its process last told. */
export interface InstanceState {
  readonly agent: string;
  /** Handlers running now. */
  readonly running: number;
  readonly concurrency: number;
  /** Set by the agent; absent: found from its load. */
  readonly status?: Exclude<AgentStatus, "stale" | "offline">;
}

/** A record joined with what its instances tell: what `bus.agents` answers with. */
export interface AgentInfo extends AgentRecord {
  readonly status: AgentStatus;
  readonly instances: readonly string[];
  readonly running: number;
  /** Waiting and held messages in its inbox, where known. */
  readonly waiting?: number;
  /** Messages in its inbox, or running handlers where the inbox is not known, for each handler that can run at once. */
  readonly load: number;
  /** When an instance last told of itself, in wall milliseconds. */
  readonly lastSeen: number;
}

/** Which agents are meant: an AND of what is given. */
export interface Where {
  readonly role?: string;
  readonly department?: string;
  readonly capability?: string;
  readonly region?: string;
  readonly label?: string;
}

/** A wider filter for `find`: an AND of what is given. */
export interface AgentFilter extends Where {
  readonly name?: string;
  readonly kind?: AgentKind;
  readonly capabilities?: readonly string[];
  /** Takes this message type. */
  readonly type?: string;
  readonly status?: AgentStatus | readonly AgentStatus[];
  readonly exclude?: readonly string[];
}
