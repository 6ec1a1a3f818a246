import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quantile } from "../harness/statistics.ts";
import { type Figures, type Side, type Task, textSetting } from "../harness/task.ts";

const PROGRAM = fileURLToPath(new URL("../programs/first-message.js", import.meta.url));

/** Time from starting Node to its end: `p50`, `p99`, in milliseconds. Settings: `code`, what it runs. */
export const startNode: Side = (task) => starts(task, () => ended(["-e", textSetting(task, "code")]));

/** Time from starting Node to the first message handled on SQLite. Settings: `file`, `new` each time or `kept`. */
export const startAgentwire: Side = (task) => {
  const folder = join(task.folder, "bus");
  return starts(task, () => {
    if (textSetting(task, "file") === "new") rmSync(folder, { recursive: true, force: true });
    return ended([PROGRAM, `sqlite:${join(folder, "agentwire.db")}`]);
  });
};

async function starts(task: Task, start: () => Promise<number>): Promise<Figures> {
  const warm = Math.floor(task.count / 5);
  const times: number[] = [];
  for (let at = 0; at < task.count; at++) {
    const time = await start();
    if (at >= warm) times.push(time);
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

/** Milliseconds until the program says its first word, or ends without one. */
function ended(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let spoke: number | undefined;
    let fault = "";
    child.stdout.once("data", () => {
      spoke = performance.now() - began;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      fault += chunk.toString();
    });
    let exited = 0;
    child.once("exit", () => {
      exited = performance.now() - began;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(spoke ?? exited);
      else reject(new Error(`the program failed: ${fault}`));
    });
  });
}
