import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { installed } from "../need.ts";
import type { Row } from "../row.ts";
import { runPowerLoss } from "./power-loss.ts";
import { now, pause, underLoad } from "./under-load.ts";

/** F12: syncs fail, and writes for want of space. What was accepted is there when the power goes, too. */
export const syncFails: Row = {
  id: "F12",
  title: "syncs and writes that fail, and power that goes",
  quick: true,
  needs: installed("strace"),
  async run(scale, seed) {
    const failing = ["fsync,fdatasync:error=EIO:when=12+17", "pwrite64:error=ENOSPC:when=150+211"];
    const result = await runPowerLoss(scale, seed, { failing });
    const broken = [...result.broken];
    for (const name of ["failed syncs", "sends that failed"])
      if (result.figures[name] === 0) broken.push(`there were no ${name}, so the row has shown nothing`);
    return { ...result, broken };
  },
};

/** F12 of a server: PostgreSQL ends all its sessions over it, and recovers. */
export const serverSyncFails: Row = {
  id: "F12",
  title: "syncs of the server that fail",
  quick: true,
  on: ["postgres"],
  needs: installed("strace"),
  async run(scale, seed) {
    let failed = 0;
    const result = await underLoad(scale, seed, {
      engine: "postgres",
      strikes: Math.min(scale.strikes, 5),
      length: 1_500,
      resumesWithin: 15_000,
      serverDies: true,
      async strike({ server }) {
        failed += await failSyncs(server.pid as number);
        return now();
      },
    });
    const broken = failed > 0 ? [] : ["no sync failed, so the row has shown nothing"];
    return { figures: { ...result.figures, "failed syncs": failed }, broken: [...result.broken, ...broken] };
  },
};

/** Has the syncs of those processes fail that a server has started by now, for so long as they live, at most 1.5 s. Returns how many did. */
async function failSyncs(server: number): Promise<number> {
  const processes = execFileSync("pgrep", ["-P", String(server)], { encoding: "utf8" })
    .trim()
    .split("\n");
  const which = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"];
  const tracer = spawn("strace", ["-qq", ...which, ...processes.flatMap((pid) => ["-p", pid])], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  tracer.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
  const ended = once(tracer, "close");
  await Promise.race([ended, pause(1_500)]);
  tracer.kill("SIGINT");
  await ended;
  return told.split("(INJECTED)").length - 1;
}
