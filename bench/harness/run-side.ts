import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures, Task } from "./task.ts";

/** How side processes are started. */
export interface SideProcess {
  /** The compiled entry of a side process. */
  readonly entry: string;
  /** Flags for Node, such as `--cpu-prof`. */
  readonly flags: readonly string[];
  /** Milliseconds until a side counts as hung. */
  readonly patience: number;
}

/** Runs one side in a process of its own. @throws Error with what the side said when it failed or hung */
export async function runSide(side: SideProcess, task: Omit<Task, "folder">): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A run that is stopped by a signal does not come to its `finally`.
  process.on("exit", remove);
  try {
    return await answerOf(side, { ...task, folder });
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function answerOf({ entry, flags, patience }: SideProcess, task: Task): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(entry, [JSON.stringify(task)], {
      execArgv: ["--expose-gc", ...flags],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let said = "";
    let answer: { figures?: Figures; fault?: string } = {};
    const timer = setTimeout(() => {
      answer = { fault: `no answer within ${patience / 1000} s` };
      child.kill("SIGTERM");
    }, patience);
    child.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
    child.on("message", (message) => {
      answer = message as typeof answer;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (answer.figures !== undefined) resolve(answer.figures);
      else
        reject(
          new Error(
            `side ${task.side} failed: ${answer.fault ?? `it ended with ${signal ?? code}`}${said === "" ? "" : `\n${said}`}`,
          ),
        );
    });
  });
}
