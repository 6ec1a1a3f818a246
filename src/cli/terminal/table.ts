import { plainText } from "./plain-text.ts";

/** A column: its heading, and whether it is flush right. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Lines of a table: columns as wide as their widest cell, control characters shown. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => row.map((cell) => plainText(String(cell)))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? "").length)));
  return cells.map((row) =>
    columns
      .map((column, at) =>
        column.right ? (row[at] ?? "").padStart(widths[at] ?? 0) : (row[at] ?? "").padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
