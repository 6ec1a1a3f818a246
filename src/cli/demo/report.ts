import type { InboxStatus } from "../../broker/inbox.ts";
import type { StoredDeadLetter } from "../../bus/dead-letters.ts";
import { ENDS } from "../../message/receipt-record.ts";
import type { Findings } from "./reporter.ts";

/** One package of the audit. */
export interface AuditedPackage {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly bytes: number;
}

/** What the audit found out. */
export interface AuditReport {
  readonly folder: string;
  /** The conversation of the whole audit, for its execution tree. */
  readonly conversation: string;
  /** Folders with a package.json, broken ones included. */
  readonly packages: number;
  readonly bytes: number;
  readonly fileCount: number;
  /** Packages by licence as written, most first; "(none)" for those without. */
  readonly licences: readonly (readonly [licence: string, packages: number])[];
  readonly families: readonly (readonly [family: string, packages: number])[];
  readonly largest: readonly AuditedPackage[];
  readonly oddities: readonly { readonly kind: string; readonly subject: string; readonly detail: string }[];
  /** Packages given up on, with the reason. */
  readonly broken: readonly { readonly path: string; readonly reason: string }[];
  /** Packages that a worker was given a second time, after another had died with it. */
  readonly redelivered: number;
  /** Mail that waited for the agent that joined late. */
  readonly foundOnJoining: number;
  /** By agent: copies accepted, and how they ended. */
  readonly receipts: readonly ReceiptRow[];
}

/** One agent's line of the receipts. `accepted` = the ends + `waiting`. */
export type ReceiptRow = {
  readonly agent: string;
  readonly accepted: number;
  readonly waiting: number;
} & InboxStatus["ended"];

/** What {@link makeReport} puts together. */
export interface ReportParts {
  readonly folder: string;
  readonly conversation: string;
  readonly packages: number;
  readonly findings: Findings;
  readonly oddities: AuditReport["oddities"];
  readonly foundOnJoining: number;
  readonly deadLetters: readonly StoredDeadLetter[];
  readonly inboxes: readonly InboxStatus[];
}

const LARGEST = 10;

/** Puts the findings together. */
export function makeReport(parts: ReportParts): AuditReport {
  const { folder, conversation, packages, findings, oddities, foundOnJoining, deadLetters, inboxes } = parts;
  const audited = [...findings.licences.values()].map(({ path, name, version, licence }) => ({
    path,
    name,
    version,
    licence,
    bytes: findings.sizes.get(path)?.bytes ?? 0,
  }));
  const sizes = [...findings.sizes.values()];
  return {
    folder,
    conversation,
    packages,
    bytes: sizes.reduce((sum, size) => sum + size.bytes, 0),
    fileCount: sizes.reduce((sum, size) => sum + size.files, 0),
    licences: countBy(audited.map((one) => one.licence || "(none)")),
    families: countBy([...findings.licences.values()].map((one) => one.family)),
    largest: audited.sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST),
    oddities: [...oddities].sort((a, b) => compare(a.kind, b.kind) || compare(a.subject, b.subject)),
    broken: deadLetters.map((letter) => ({
      path: (letter.message.payload as { path: string }).path,
      reason: letter.reason,
    })),
    redelivered: findings.redelivered.size,
    foundOnJoining,
    receipts: inboxes.map(({ name, accepted, waiting, ended }) => ({ agent: name, accepted, waiting, ...ended })),
  };
}

/** Whether no message is unaccounted for: each accepted copy has ended or still waits. */
export function adds(row: ReceiptRow): boolean {
  return row.accepted === ENDS.reduce((sum, end) => sum + row[end], 0) + row.waiting;
}

function countBy(values: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || compare(a, b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
