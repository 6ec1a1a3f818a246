import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");

/** What a run of the command left. */
export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** How the command is run. */
export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** Starts the command as a user would. */
export function start(args: readonly string[], { cwd, env }: RunOptions): ChildProcess {
  const { AGENTWIRE_URL: _, ...rest } = process.env;
  return spawn(process.execPath, ["--import", TSX, MAIN, ...args], {
    cwd,
    env: { ...rest, NO_COLOR: "1", ...env },
    stdio: "pipe",
  });
}

/** Runs the command to its end. */
export function agentwire(args: readonly string[], options: RunOptions): Promise<Run> {
  const child = start(args, options);
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}
