import { AgentwireError } from "../errors.ts";
import type { AgentRecord } from "./record.ts";

/**
 * A new registration over what is known of the name. The newest wins, so that instances can be upgraded one by one;
 * when it was first seen and what it subscribed to while running are kept.
 */
export function mergeRecord(existing: AgentRecord | undefined, newest: AgentRecord): AgentRecord {
  if (!existing) return newest;
  const added = existing.added ?? [];
  return {
    ...newest,
    subscribes: [...new Set([...newest.subscribes, ...added])],
    ...(added.length > 0 ? { added } : {}),
    firstSeen: existing.firstSeen,
  };
}

/** Refuses another agent under the name of one that is running. @throws AGENT_CONFLICT naming what differs */
export function refuseContradiction(running: AgentRecord, newest: AgentRecord): void {
  for (const field of ["kind", "role"] as const) {
    if (running[field] === newest[field]) continue;
    const is = running[field] === undefined ? `no ${field}` : `${field} "${running[field]}"`;
    const wanted = newest[field] === undefined ? "none" : `"${newest[field]}"`;
    throw new AgentwireError(
      "AGENT_CONFLICT",
      `Agent "${newest.name}" is running with ${is}; it cannot join with ${wanted}`,
      {
        details: { agent: newest.name, field, running: running[field], wanted: newest[field] },
      },
    );
  }
}

/** The record with one more subscription, made at run time; the same record if it has it. */
export function withSubscription(record: AgentRecord, pattern: string): AgentRecord {
  if (record.subscribes.includes(pattern)) return record;
  return {
    ...record,
    subscribes: [...record.subscribes, pattern],
    added: [...(record.added ?? []), pattern],
  };
}

/** The record without a subscription; the same record if it has none. */
export function withoutSubscription(record: AgentRecord, pattern: string): AgentRecord {
  if (!record.subscribes.includes(pattern)) return record;
  const { added = [], ...rest } = record;
  const kept = added.filter((other) => other !== pattern);
  return {
    ...rest,
    subscribes: record.subscribes.filter((other) => other !== pattern),
    ...(kept.length > 0 ? { added: kept } : {}),
  };
}
