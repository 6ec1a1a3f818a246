import { defineMessage, type MessageType } from "../message/index.ts";
import { jsonSchema } from "../message/schema.ts";
import type { Handler } from "./handler.ts";

const NOTHING = { type: "object", additionalProperties: false } as const;

/** What every agent answers to a health check. */
export interface AgentHealth {
  readonly agent: string;
  readonly instance: string;
  readonly status: string;
  /** Handlers running now. */
  readonly running: number;
  readonly concurrency: number;
  /** Wall milliseconds. */
  readonly time: number;
}

/** What every agent answers to a capability query. */
export interface CapabilityReport {
  readonly agent: string;
  readonly role?: string;
  readonly department?: string;
  readonly capabilities: readonly { readonly name: string; readonly version?: string }[];
  /** Names of the types it takes. */
  readonly types: readonly string[];
}

/** What every agent answers to a status question: who it is, what it can do, how busy it is. */
export interface StatusReport extends AgentHealth, CapabilityReport {
  /** running / concurrency. */
  readonly load: number;
  /** Version of this package that the agent runs on. */
  readonly library: string;
}

/** Asks an agent whether it is well; every agent answers without code of its own. */
export const HealthCheck = defineMessage("agentwire.health", NOTHING, {
  reply: jsonSchema<AgentHealth>({ type: "object" }),
});

/** Asks an agent what it can do; every agent answers without code of its own. */
export const CapabilityQuery = defineMessage("agentwire.capabilities", NOTHING, {
  reply: jsonSchema<CapabilityReport>({ type: "object" }),
});

/** Asks an agent for all of it: identity, capabilities, types, load, time; every agent answers without code of its own. */
export const StatusQuery = defineMessage("agentwire.status", NOTHING, {
  reply: jsonSchema<StatusReport>({ type: "object" }),
});

/** The types that every agent answers. */
export const BUILT_IN_TYPES: readonly MessageType[] = [HealthCheck, CapabilityQuery, StatusQuery];

/** Handlers of the built-in types, from what the agent tells of itself. */
export function builtInHandlers(
  report: () => StatusReport,
): ReadonlyMap<string, { type: MessageType; handler: Handler<MessageType, MessageType> }> {
  const health = (): AgentHealth => {
    const { agent, instance, status, running, concurrency, time } = report();
    return { agent, instance, status, running, concurrency, time };
  };
  const capabilities = (): CapabilityReport => {
    const { agent, role, department, capabilities, types } = report();
    return {
      agent,
      ...(role === undefined ? {} : { role }),
      ...(department === undefined ? {} : { department }),
      capabilities,
      types,
    };
  };
  const answers: [MessageType, () => unknown][] = [
    [HealthCheck, health],
    [CapabilityQuery, capabilities],
    [StatusQuery, report],
  ];
  return new Map(
    answers.map(([type, answer]) => [
      type.name,
      { type, handler: (() => answer()) as unknown as Handler<MessageType, MessageType> },
    ]),
  );
}
