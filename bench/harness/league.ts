import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunOptions } from "./options.ts";
import { runSide } from "./run-side.ts";
import { median } from "./statistics.ts";
import type { Figures } from "./task.ts";
import type { Contestant, Target, Workload } from "./workload.ts";

/** One contestant's figures, round by round. */
export interface Standing {
  readonly contestant: Contestant;
  readonly rounds: readonly Figures[];
}

/** How ours did against one target. */
export interface Verdict {
  readonly target: Target;
  /** Round by round: ours divided by the other's figure of the same round, or ours alone. */
  readonly values: readonly number[];
  readonly median: number;
  readonly met: boolean;
  readonly stretchMet?: boolean;
}

/** All that came of one workload. */
export interface LeagueResult {
  readonly workload: Workload;
  readonly size: number;
  readonly count: number;
  readonly standings: readonly Standing[];
  readonly verdicts: readonly Verdict[];
}

const PATIENCE = 15 * 60_000;

/** Lets the sides take turns, round by round, each in a process of its own. @throws Error when a side fails */
export async function runLeague(workload: Workload, options: RunOptions, compiled: string): Promise<LeagueResult> {
  const count = options.count ?? workload.count;
  const contestants = workload.contestants.filter(
    ({ label }) => options.only.length === 0 || options.only.some((part) => label.includes(part)),
  );
  const rounds = new Map<Contestant, Figures[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of contestants) {
      const task = {
        side: contestant.side,
        count: Math.max(10, Math.round(count * (contestant.share ?? 1))),
        size: options.size,
        settings: contestant.settings ?? {},
      };
      const entry = join(compiled, "bench/harness/child.js");
      const flags = profileFlags(options, workload.name, contestant.side, round);
      rounds.get(contestant)?.push(await runSide({ entry, flags, patience: PATIENCE }, task));
    }
  }
  const standings = contestants.map((contestant) => ({ contestant, rounds: rounds.get(contestant) ?? [] }));
  return { workload, size: options.size, count, standings, verdicts: judge(workload, standings) };
}

function judge({ contestants, targets }: Workload, standings: readonly Standing[]): Verdict[] {
  const of = (label: string): Standing | undefined => standings.find(({ contestant }) => contestant.label === label);
  const ours = of(contestants[0].label);
  if (ours === undefined) return [];
  return targets.flatMap((target) => {
    const other = target.against === undefined ? undefined : of(target.against);
    if (target.against !== undefined && other === undefined) return [];
    const values = ours.rounds.map((figures, round) => {
      const own = figures[target.figure] ?? Number.NaN;
      return other === undefined ? own : own / (other.rounds[round]?.[target.figure] ?? Number.NaN);
    });
    const middle = median(values);
    const reaches = (limit: number): boolean => (target.bound === "at least" ? middle >= limit : middle <= limit);
    const verdict: Verdict = { target, values, median: middle, met: reaches(target.target) };
    return [target.stretch === undefined ? verdict : { ...verdict, stretchMet: reaches(target.stretch) }];
  });
}

function profileFlags({ profile }: RunOptions, workload: string, side: string, round: number): string[] {
  if (profile === undefined) return [];
  if (!existsSync(profile)) mkdirSync(profile, { recursive: true });
  return ["--cpu-prof", `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${workload}.${side}.${round}.cpuprofile`];
}
