import type { InstanceState, Presence } from "./record.ts";

/** Agents that one process can tell of. */
const MOST_AGENTS = 100_000;
const SHORTEST_HEARTBEAT = 100;
const LONGEST_HEARTBEAT = 10 * 60_000;
const OWN_STATUSES: ReadonlySet<unknown> = new Set([undefined, "online", "busy", "away", "draining"]);

/** What a signal or a stored value tells of a process; undefined for what is none, which another program may have sent. */
export function readPresence(value: unknown): Presence | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { instance, beat, heartbeat, agents } = value as Presence;
  if (typeof instance !== "string" || !Number.isSafeInteger(beat) || !Number.isFinite(heartbeat)) return undefined;
  if (!Array.isArray(agents) || agents.length > MOST_AGENTS || !agents.every(isState)) return undefined;
  return { instance, beat, heartbeat: Math.min(LONGEST_HEARTBEAT, Math.max(SHORTEST_HEARTBEAT, heartbeat)), agents };
}

function isState(value: unknown): value is InstanceState {
  if (typeof value !== "object" || value === null) return false;
  const { agent, running, concurrency, status } = value as InstanceState;
  return (
    typeof agent === "string" && Number.isFinite(running) && Number.isFinite(concurrency) && OWN_STATUSES.has(status)
  );
}
