import { parseArgs } from "node:util";

/** What a run of the benchmarks was asked to do. */
export interface RunOptions {
  /** Names of workloads, or beginnings of names; none: all that are not slow. */
  readonly names: readonly string[];
  /** Bytes of a message's envelope. */
  readonly size: number;
  /** In place of each workload's own count. */
  readonly count?: number;
  readonly rounds: number;
  /** File for the figures as JSON. */
  readonly json?: string;
  /** Only print the workloads. */
  readonly list: boolean;
  /** Folder for CPU profiles of every side. */
  readonly profile?: string;
  /** Only contestants whose label contains one of these. */
  readonly only: readonly string[];
}

/** How to call it. */
const USAGE = `npm run bench -- [WORKLOAD...] [options]

  WORKLOAD        a workload's name or the beginning of some; without any, all that are not slow
  --size BYTES    a message's JSON envelope: 200, 1024 (default), 16384; with a K for KiB: 1K, 16K
  --count N       messages (or seconds, starts, round trips) a side and round; each workload has its own default
  --rounds N      rounds in which the sides take turns; default 3
  --only LABEL    only sides whose label contains this; may be repeated; targets against others are left out
  --json FILE     also write all figures to a file
  --profile DIR   write a CPU profile of each side
  --list          print the workloads and their targets
`;

function whole(name: string, text: string): number {
  const match = /^(\d+)(K?)$/i.exec(text);
  const value = Number(match?.[1] ?? 0) * (match?.[2] ? 1024 : 1);
  if (value < 1) throw new Error(`--${name} must be a whole number from 1, not "${text}"`);
  return value;
}

/** Reads the command line. @throws Error that says what is wrong with it */
export function parseOptions(args: readonly string[]): RunOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      size: { type: "string", default: "1K" },
      count: { type: "string" },
      rounds: { type: "string", default: "3" },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      profile: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) throw new Error(USAGE);
  return {
    names: positionals,
    size: whole("size", values.size),
    rounds: whole("rounds", values.rounds),
    only: values.only,
    list: values.list,
    ...(values.count === undefined ? {} : { count: whole("count", values.count) }),
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  };
}
