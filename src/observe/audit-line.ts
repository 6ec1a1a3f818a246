import { escapedJson } from "./escaped-json.ts";
import type { BusEvent } from "./events.ts";

/** The audit files of a day. */
export const AUDIT_FILES = ["agent_activity", "message_audit", "task_history", "performance", "errors"] as const;

/** Which audit file. */
export type AuditFile = (typeof AUDIT_FILES)[number];

const FAULTS: ReadonlySet<string> = new Set([
  "message.dead-lettered",
  "message.retried",
  "driver.lost",
  "driver.fault",
  "driver.quarantined",
]);
const FILE_OF_ROOM: Readonly<Record<string, AuditFile>> = {
  agent: "agent_activity",
  channel: "agent_activity",
  driver: "agent_activity",
  message: "message_audit",
  task: "task_history",
  run: "task_history",
};

/** The lines that an event makes, by file. */
export function auditLines(event: BusEvent): [AuditFile, string][] {
  const { type, at, ...about } = event;
  const line = auditLine(type, at, about);
  const lines: [AuditFile, string][] = [];
  const file = FILE_OF_ROOM[type.slice(0, type.indexOf("."))];
  if (file) lines.push([file, line]);
  if (FAULTS.has(type)) lines.push(["errors", line]);
  if (event.type === "message.acknowledged") {
    const { id, message, recipient, instance, attempt, duration } = event;
    lines.push([
      "performance",
      auditLine("handled", at, { id, message, agent: recipient, instance, attempt, duration }),
    ]);
  }
  return lines;
}

/** One line: time (UTC), event, and what is known of it. */
export function auditLine(event: string, at: number, about: Readonly<Record<string, unknown>>): string {
  return `${escapedJson({ time: new Date(at).toISOString(), event, ...about })}\n`;
}
