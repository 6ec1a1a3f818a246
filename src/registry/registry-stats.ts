import type { AgentInfo, AgentStatus } from "./record.ts";

/** The agents of a bus in numbers. */
export interface RegistryStats {
  readonly total: number;
  /** Agents without a role or department are counted in neither. */
  readonly byRole: Readonly<Record<string, number>>;
  readonly byDepartment: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<AgentStatus, number>>;
  /** Over agents that are not offline; 0 where there is none. */
  readonly averageLoad: number;
}

/** Counts agents. */
export function registryStats(agents: readonly AgentInfo[]): RegistryStats {
  const byStatus = { online: 0, busy: 0, away: 0, draining: 0, stale: 0, offline: 0 };
  for (const agent of agents) byStatus[agent.status]++;
  const here = agents.filter((agent) => agent.status !== "offline");
  return {
    total: agents.length,
    byRole: counted(agents.map((agent) => agent.role)),
    byDepartment: counted(agents.map((agent) => agent.department)),
    byStatus,
    averageLoad: here.length === 0 ? 0 : here.reduce((sum, agent) => sum + agent.load, 0) / here.length,
  };
}

function counted(values: readonly (string | undefined)[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries(counts);
}
