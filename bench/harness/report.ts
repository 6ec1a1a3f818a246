import type { LeagueResult, Standing, Verdict } from "./league.ts";
import { median } from "./statistics.ts";
import type { Column, Target, Workload } from "./workload.ts";

function number(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function figuresOf(standing: Standing, figure: string): number[] {
  return standing.rounds.flatMap((round) => (round[figure] === undefined ? [] : [round[figure]]));
}

function cell(standing: Standing, { figure, digits }: Column): string {
  const values = figuresOf(standing, figure);
  return values.length === 0 ? "" : number(median(values), digits);
}

/** The lowest and the highest of all rounds, of the first column. */
function spread(standing: Standing, column: Column): string {
  const values = figuresOf(standing, column.figure);
  return values.length === 0
    ? ""
    : `${number(Math.min(...values), column.digits)} .. ${number(Math.max(...values), column.digits)}`;
}

/** Ours divided by this one, round by round; the median. */
function ratio(ours: Standing | undefined, standing: Standing, { figure }: Column): string {
  if (ours === undefined || ours === standing) return "";
  const ratios = ours.rounds.flatMap((round, at) => {
    const [own, other] = [round[figure], standing.rounds[at]?.[figure]];
    return own === undefined || other === undefined ? [] : [own / other];
  });
  return ratios.length === 0 ? "" : number(median(ratios), 2);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((text, at) => (at < 2 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join("  ")}`.trimEnd(),
  );
}

/** A target in words. */
function describeTarget({ figure, bound, target, stretch, against }: Target): string {
  const what = against === undefined ? `${figure} ${bound} ${target}` : `${figure} ${bound} ${target} x ${against}`;
  return stretch === undefined ? what : `${what} (stretch ${stretch})`;
}

function describeVerdict({ target, values, median: middle, met, stretchMet }: Verdict): string {
  const all = values.map((value) => number(value, 2)).join(", ");
  const stretch = stretchMet === undefined ? "" : `, stretch ${stretchMet ? "met" : "not met"}`;
  return `  target: ${describeTarget(target)}: ${number(middle, 2)} -> ${met ? "met" : "NOT MET"}${stretch}   [${all}]`;
}

/** The table of one workload, with the durability class beside each figure, and a line for each target. */
export function describeResult({ workload, size, count, standings, verdicts }: LeagueResult): string {
  const [first] = workload.columns;
  const ours = standings.find(({ contestant }) => contestant === workload.contestants[0]);
  const ratios = workload.columns.map(({ title }) => `ours/it ${title}`);
  const head = [
    "side",
    "class",
    ...workload.columns.map(({ title }) => title),
    first === undefined ? "" : `spread ${first.title}`,
    ...ratios,
  ];
  const rows = standings.map((standing) => [
    standing.contestant.label,
    standing.contestant.class,
    ...workload.columns.map((column) => cell(standing, column)),
    first === undefined ? "" : spread(standing, first),
    ...workload.columns.map((column) => ratio(ours, standing, column)),
  ]);
  const rounds = standings[0]?.rounds.length ?? 0;
  const title = `${workload.name}: ${workload.about}  [${size} B, ${number(count, 0)} ${workload.unit}, ${rounds} rounds]`;
  return [title, ...aligned([head, ...rows]), ...verdicts.map(describeVerdict)].join("\n");
}

/** The workloads with their targets. */
export function describeWorkloads(workloads: readonly Workload[]): string {
  return workloads
    .map((workload) => {
      const against = workload.contestants.map(({ label }) => label).join(", ");
      const lines = [
        `${workload.name}${workload.slow ? " (slow: only by name)" : ""}: ${workload.about}`,
        `  sides: ${against}`,
      ];
      return [...lines, ...workload.targets.map((target) => `  target: ${describeTarget(target)}`)].join("\n");
    })
    .join("\n");
}
