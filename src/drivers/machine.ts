import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";

/** What tells one process from all others on this machine, also after its number was given to another. */
export interface ProcessMark {
  /** Which boot of the machine: monotonic times compare only within one. */
  readonly boot: string;
  /** Process numbers compare only within one namespace. */
  readonly namespace: string;
  readonly pid: number;
  /** When the process started, in the system's own units; empty where that cannot be read. */
  readonly started: string;
}

function attempt(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}

function bootId(): string {
  if (process.platform === "linux") {
    const id = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
    if (id) return id;
  }
  if (process.platform === "darwin") {
    const id = attempt(() => execFileSync("sysctl", ["-n", "kern.bootsessionuuid"], { encoding: "utf8" }));
    if (id) return id;
  }
  // To the nearest ten minutes: coarse enough for small corrections of the wall clock.
  return `${hostname()}:${Math.round((Date.now() / 1000 - uptime()) / 600)}`;
}

/** State and start time of a process from Linux's table; undefined where there is no such process or table. */
function processStat(pid: number | "self"): { state: string; started: string } | undefined {
  const line = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (line === undefined) return undefined;
  // The second field is the program's name in brackets and may hold anything; the rest follows the last bracket.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", started: fields[19] ?? "" };
}

/** The mark of this process. */
export function markOfThisProcess(): ProcessMark {
  return {
    boot: bootId(),
    namespace: attempt(() => readlinkSync("/proc/self/ns/pid")) ?? "",
    pid: process.pid,
    started: processStat("self")?.started ?? "",
  };
}

/** Whether the process is certainly gone, seen from `here`. Doubt counts as alive: leases then decide. */
export function isCertainlyDead(mark: ProcessMark, here: ProcessMark): boolean {
  if (mark.boot !== here.boot) return true;
  if (mark.namespace !== here.namespace) return false;
  if (mark.pid === here.pid) return mark.started !== here.started;
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  const stat = processStat(mark.pid);
  // A killed process that nobody has waited for yet still has its number, but is no more.
  return (
    stat !== undefined &&
    (stat.state === "Z" || stat.state === "X" || (mark.started !== "" && stat.started !== mark.started))
  );
}
