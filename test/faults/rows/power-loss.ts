import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { eventsIn, type WrittenEvent } from "../history-file.ts";
import { lookInto, PROMISED } from "../image-verdict.ts";
import { installed } from "../need.ts";
import { writeImage } from "../power-image.ts";
import type { Row, RowResult, Scale } from "../row.ts";
import { Scene } from "../scene.ts";
import { type FileCall, readWriteLog, tracer } from "../write-log.ts";
import { isSound } from "./embedder-killed.ts";

/** F5: the power goes; of what was not synced, each sector may be there or not. */
export const powerLoss: Row = {
  id: "F5",
  title: "loss of power",
  quick: true,
  needs: installed("strace"),
  run: (scale, seed) => runPowerLoss(scale, seed),
};

/** How F5 is played otherwise. */
export interface PowerLossOptions {
  /** Default `full`. With `normal`, of class `process`, it must show loss, or the harness is blind. */
  readonly synchronous?: "full" | "normal";
  /** Calls that fail, in the words of the tracer. */
  readonly failing?: readonly string[];
}

/** Plays F5. */
export async function runPowerLoss(
  scale: Scale,
  seed: number,
  { synchronous = "full", failing = [] }: PowerLossOptions = {},
): Promise<RowResult> {
  const scene = new Scene(seed, { query: `?synchronous=${synchronous}` });
  try {
    const history = join(scene.folder, "recorded.history");
    const log = join(scene.folder, "writes.log");
    const files = [scene.database, `${scene.database}-wal`, history];
    const task = {
      url: scene.url,
      history,
      seed,
      messages: Math.min(600, scale.messages / 5),
      largest: 4_096,
      openings: 3,
    };
    const program = scene.start("recorded", task, { under: tracer(log, files, failing) });
    await program.says("done");
    await program.exited;
    const calls = await readWriteLog(log);
    const first = calls.findIndex(({ path }) => path === history);
    const images = scale.strikes * 10;
    const totals: Record<string, number> = {
      accepted: 0,
      lost: 0,
      "acks undone": 0,
      corrupted: 0,
      invented: 0,
      "failed integrity checks": 0,
      "images with loss": 0,
    };
    const broken: string[] = [];
    for (let image = 0; image < images; image++) {
      const cut = first + Math.floor(scene.random() * (calls.length - first));
      const folder = join(scene.folder, `image-${image}`);
      mkdirSync(folder);
      const before = calls.slice(0, cut);
      writeImage(
        before.filter(({ path }) => path !== history),
        scene.random,
        (path) => join(folder, basename(path)),
      );
      const path = join(folder, "bus.db");
      if (!isSound(path)) add(totals, "failed integrity checks", 1);
      const found = await lookInto(`sqlite:${path}`, eventsOf(before, history));
      for (const [name, count] of Object.entries(found)) add(totals, name, count);
      if ((found["lost"] ?? 0) > 0) add(totals, "images with loss", 1);
      rmSync(folder, { recursive: true });
    }
    for (const name of [...PROMISED, "failed integrity checks"]) {
      if ((totals[name] ?? 0) > 0) broken.push(`${name}: ${totals[name]} in ${images} images`);
    }
    const countOf = (which: FileCall["call"]): number => calls.filter(({ call }) => call === which).length;
    const failed = { "failed syncs": countOf("failed sync"), "sends that failed": sendsThatFailed(program.lines) };
    const figures = { images, "recorded calls": calls.length, syncs: countOf("sync"), ...totals };
    return { figures: failing.length === 0 ? figures : { ...figures, ...failed }, broken };
  } finally {
    await scene.close();
  }
}

function sendsThatFailed(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith("error ")).length;
}

function add(totals: Record<string, number>, name: string, count: number): void {
  totals[name] = (totals[name] ?? 0) + count;
}

/** The program's history up to the cut: its writes to it are in the same record, so that the order is certain. */
function eventsOf(calls: readonly FileCall[], history: string): WrittenEvent[] {
  const text = calls
    .map((call) => (call.call === "append" && call.path === history ? call.data.toString() : ""))
    .join("");
  return eventsIn(text);
}
