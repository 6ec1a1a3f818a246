import type { AgentStatus, InstanceState } from "./record.ts";

/** After so many heartbeats without news an instance is `stale`. */
export const STALE_AFTER = 3;
/** After so many it is `offline`. */
export const OFFLINE_AFTER = 6;

/** How ready an agent is, lower is readier: those at work, then those who step back, then those not heard of. */
export const READINESS: Readonly<Record<AgentStatus, number>> = {
  online: 0,
  busy: 1,
  away: 2,
  draining: 3,
  stale: 4,
  offline: 5,
};

/** The status of one running copy, by how many heartbeats ago it was heard of. What the agent set stands unless it is missed. */
export function instanceStatus(state: InstanceState, beatsAgo: number): AgentStatus {
  if (beatsAgo >= OFFLINE_AFTER) return "offline";
  if (beatsAgo >= STALE_AFTER) return "stale";
  return state.status ?? (state.running >= state.concurrency ? "busy" : "online");
}

/** The status of an agent: that of its readiest instance. */
export function readiest(statuses: Iterable<AgentStatus>): AgentStatus {
  let best: AgentStatus = "offline";
  for (const status of statuses) if (READINESS[status] < READINESS[best]) best = status;
  return best;
}
