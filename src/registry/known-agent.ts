import type { Attendance } from "./attendance.ts";
import type { DirectoryEntry } from "./directory.ts";
import type { AgentRecord, AgentStatus } from "./record.ts";

/** A record with what attendance says of it at the moment it is asked. */
export class KnownAgent implements DirectoryEntry {
  readonly record: AgentRecord;
  readonly receives: ReadonlySet<string>;
  readonly #attendance: Attendance;

  constructor(record: AgentRecord, attendance: Attendance) {
    this.record = record;
    this.receives = new Set(record.receives);
    this.#attendance = attendance;
  }

  get status(): AgentStatus {
    return this.#attendance.status(this.record.name);
  }

  get concurrency(): number {
    return Math.max(1, this.#attendance.capacity(this.record.name).concurrency || this.record.concurrency);
  }

  get lastSeen(): number {
    return this.#attendance.lastSeen(this.record.name) ?? this.record.firstSeen;
  }
}
