import { relative } from "node:path";
import { ENDS } from "../../message/receipt-record.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Style } from "../terminal/style.ts";
import { table } from "../terminal/table.ts";
import { type AuditReport, adds } from "./report.ts";

const MOST_LICENCES = 12;
const MOST_ODDITIES = 12;

/** The report as lines for people. */
export function showReport(report: AuditReport, style: Style): string[] {
  const { licences, oddities, largest, receipts, broken } = report;
  const lines = [
    "",
    style.bold(`Audit of ${plainText(report.folder)}`),
    `${report.packages} packages, ${report.fileCount} files, ${size(report.bytes)}`,
    "",
    style.bold("Licences"),
    ...table([{ title: "licence" }, { title: "packages", right: true }], licences.slice(0, MOST_LICENCES)),
    ...more(licences.length - MOST_LICENCES, "licences"),
    `By family: ${report.families.map(([family, count]) => `${family} ${count}`).join(", ")}`,
    "",
    style.bold("Largest"),
    ...table(
      [{ title: "package" }, { title: "version" }, { title: "licence" }, { title: "size", right: true }],
      largest.map((one) => [one.name || relative(report.folder, one.path), one.version, one.licence, size(one.bytes)]),
    ),
    "",
    style.bold("Oddities"),
    ...table(
      [{ title: "what" }, { title: "package" }, { title: "detail" }],
      oddities.slice(0, MOST_ODDITIES).map((one) => [one.kind, one.subject, one.detail]),
    ),
    ...more(oddities.length - MOST_ODDITIES, "oddities"),
    "",
    style.bold("Dead letters"),
    ...broken.map((one) => `${style.bad("given up")} ${plainText(one.reason)}`),
    "",
    style.bold("Receipts: accepted = the six ends, to the unit"),
    ...table(
      [
        { title: "agent" },
        { title: "accepted", right: true },
        ...ENDS.map((end) => ({ title: end, right: true })),
        { title: "waiting", right: true },
        { title: "adds up" },
      ],
      [...receipts, total(receipts)].map((row) => [
        row.agent,
        row.accepted,
        ...ENDS.map((end) => row[end]),
        row.waiting,
        adds(row) ? "yes" : "NO",
      ]),
    ),
    "",
    `${report.redelivered} packages were delivered a second time, after their worker had been killed; none was lost.`,
    `${report.foundOnJoining} messages were waiting for the archivist when it joined.`,
  ];
  return lines;
}

function total(rows: AuditReport["receipts"]): AuditReport["receipts"][number] {
  const sum = (key: "accepted" | "waiting" | (typeof ENDS)[number]): number =>
    rows.reduce((all, row) => all + row[key], 0);
  const ends = Object.fromEntries(ENDS.map((end) => [end, sum(end)])) as Pick<
    AuditReport["receipts"][number],
    (typeof ENDS)[number]
  >;
  return { agent: "all", accepted: sum("accepted"), waiting: sum("waiting"), ...ends };
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`... and ${count} more ${what}`] : [];
}

/** Bytes for people. */
function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
