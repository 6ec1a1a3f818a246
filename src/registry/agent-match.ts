import type { DirectoryEntry } from "./directory.ts";
import type { AgentFilter, AgentRecord, Where } from "./record.ts";

/** Whether an agent is meant by an address or filter's common part. */
export function matchesWhere(record: AgentRecord, where: Where): boolean {
  return (
    (where.role === undefined || record.role === where.role) &&
    (where.department === undefined || record.department === where.department) &&
    (where.region === undefined || record.region === where.region) &&
    (where.label === undefined || (record.labels?.includes(where.label) ?? false)) &&
    (where.capability === undefined || hasCapability(record, where.capability))
  );
}

/** Whether an agent is meant by a filter. */
export function matchesFilter(entry: DirectoryEntry, filter: AgentFilter): boolean {
  const { record } = entry;
  return (
    matchesWhere(record, filter) &&
    (filter.name === undefined || record.name === filter.name) &&
    (filter.kind === undefined || record.kind === filter.kind) &&
    (filter.type === undefined || entry.receives.has(filter.type)) &&
    (filter.capabilities ?? []).every((capability) => hasCapability(record, capability)) &&
    !(filter.exclude ?? []).includes(record.name) &&
    (filter.status === undefined || [filter.status].flat().includes(entry.status))
  );
}

/** A capability is asked for by name, or by name and version as `name@version`. */
function hasCapability(record: AgentRecord, wanted: string): boolean {
  return record.capabilities.some(
    ({ name, version }) => name === wanted || (version !== undefined && `${name}@${version}` === wanted),
  );
}
