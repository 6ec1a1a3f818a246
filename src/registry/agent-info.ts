import type { Attendance } from "./attendance.ts";
import type { DirectoryEntry } from "./directory.ts";
import type { AgentInfo } from "./record.ts";

/** A record joined with what its instances tell and what waits in its inbox. */
export function agentInfo(entry: DirectoryEntry, attendance: Attendance, waiting: number | undefined): AgentInfo {
  const { name } = entry.record;
  const { running } = attendance.capacity(name);
  // What handlers run on is still in the inbox: it counts once.
  const load = Math.max(running, waiting ?? 0) / entry.concurrency;
  return {
    ...entry.record,
    status: entry.status,
    instances: attendance.instances(name),
    running,
    ...(waiting === undefined ? {} : { waiting }),
    load,
    lastSeen: entry.lastSeen,
  };
}
