import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import pg from "pg";
import { ENGINES } from "../../../scripts/servers/engines.ts";
import { postgresOwner } from "../../../scripts/servers/postgres.ts";
import type { Server } from "../../../scripts/servers/server.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { type FolderCall, folderTracer, readFolderLog } from "../folder-log.ts";
import { eventsIn } from "../history-file.ts";
import { lookInto, PROMISED } from "../image-verdict.ts";
import { installed } from "../need.ts";
import { PowerFolder } from "../power-folder.ts";
import type { Actor } from "../program.ts";
import type { Row, RowResult, Scale } from "../row.ts";
import { Scene } from "../scene.ts";
import { pause } from "./under-load.ts";

/** An engine that can be recorded. */
type Recorded = "redis" | "postgres";

/** How a server of an engine is seen as a disk. */
interface OnDisk {
  /** Where it runs, in the folder that it is given. */
  workIn(folder: string): string;
  /** Has it write what it writes now and then only. */
  tidy(url: string): Promise<unknown>;
  /** Makes an image ready to be started as after a boot. */
  boot(folder: string): void;
  /** Mends an image that it does not start on, as its manual says; false where that cannot be done. */
  mend?(folder: string): boolean;
}

const ON_DISK: Readonly<Record<Recorded, OnDisk>> = {
  redis: {
    workIn: (folder) => folder,
    tidy: async (url) => {
      const client = await createClient({ url }).connect();
      await client.sendCommand(["BGREWRITEAOF"]);
      client.destroy();
    },
    boot: () => {},
    mend: (folder) => {
      const manifest = join(folder, "appendonlydir", "appendonly.aof.manifest");
      return spawnSync("redis-check-aof", ["--fix", manifest], { input: "y\n" }).status === 0;
    },
  },
  postgres: {
    workIn: (folder) => join(folder, "data"),
    tidy: async (url) => {
      const client = new pg.Client(url);
      await client.connect();
      await client.query("CHECKPOINT");
      await client.end();
    },
    boot: (folder) => {
      // Its process is not there any more, whatever has its number by now.
      rmSync(join(folder, "data", "postmaster.pid"), { force: true });
      const { uid, gid } = postgresOwner();
      if (uid !== undefined) execFileSync("chown", ["-R", `${uid}:${gid}`, join(folder, "data")]);
    },
  },
};

/** F5: the power of the server's machine goes; of what was not synced, each sector may be there or not. */
export const serverPowerLoss: Row = {
  id: "F5",
  title: "loss of power of the server's machine",
  quick: true,
  on: ["redis", "postgres"],
  needs: installed("strace"),
  run: (scale, seed, backend) => runServerPowerLoss(scale, seed, { engine: backend as Recorded, settings: SYNCED }),
};

/** Those that a private server has anyway. */
const SYNCED: Readonly<Record<string, string>> = {};
const UNSYNCED: Readonly<Record<Recorded, Readonly<Record<string, string>>>> = {
  redis: { appendfsync: "everysec" },
  postgres: { synchronous_commit: "off", wal_writer_delay: "10s" },
};

/** F5b: the same of a server that does not sync before it answers. The harness must see that it loses. */
export const unsyncedPowerLoss: Row = {
  id: "F5b",
  title: "loss of power of the machine of a server that syncs later",
  quick: true,
  on: ["redis", "postgres"],
  needs: installed("strace"),
  async run(scale, seed, backend) {
    const engine = backend as Recorded;
    const { figures } = await runServerPowerLoss(scale, seed, { engine, settings: UNSYNCED[engine] });
    return { figures, broken: figures["lost"] === 0 ? ["nothing was lost: the harness cannot see it"] : [] };
  },
};

async function runServerPowerLoss(
  scale: Scale,
  seed: number,
  { engine, settings }: { readonly engine: Recorded; readonly settings: Readonly<Record<string, string>> },
): Promise<RowResult> {
  const home = mkdtempSync(join(tmpdir(), "agentwire-power-"));
  // The server may run as another user.
  chmodSync(home, 0o755);
  const [folder, base, log] = ["server", "base", "calls.log"].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  try {
    mkdirSync(folder);
    await (await ENGINES[engine].start({ folder, settings })).kill();
    execFileSync("cp", ["-a", folder, base]);
    writeFileSync(log, "");
    chmodSync(log, 0o666);
    const { marks, events } = await record(scale, seed, { engine, folder, log, settings });
    const calls = await readFolderLog(log, folder, ON_DISK[engine].workIn(folder));
    const random = seededRandom(seed);
    const images = Math.ceil(scale.strikes * (engine === "redis" ? 10 : 3));
    const cuts = Array.from({ length: images }, (_, image) => cutAt(random, { calls, marks, byCall: image % 2 === 0 }));
    cuts.sort((a, b) => a - b);
    const totals: Record<string, number> = {};
    let [withLoss, mended, unusable] = [0, 0, 0];
    const disk = new PowerFolder(folder, base);
    let applied = 0;
    for (const cut of cuts) {
      for (; applied <= cut; applied++) disk.apply(calls[applied] as (typeof calls)[number]);
      const image = join(home, "image");
      disk.write(image, random);
      const known = marks.findLast((mark) => mark.log <= (calls[cut]?.end ?? 0))?.history ?? 0;
      const { server, isMended } = await started(engine, image, settings);
      if (isMended) mended++;
      if (!server) {
        unusable++;
        rmSync(image, { recursive: true });
        continue;
      }
      try {
        const found = await lookInto(server.url, [
          ...eventsIn(events.subarray(0, known).toString()),
          // What was sent later may be there too.
          ...eventsIn(events.toString()).filter((event) => event.event === "send" && event.step === "invoke"),
        ]);
        for (const [name, count] of Object.entries(found)) totals[name] = (totals[name] ?? 0) + count;
        if (found.lost > 0) withLoss++;
      } finally {
        await server.stop();
        rmSync(image, { recursive: true });
      }
    }
    const broken = PROMISED.filter((name) => (totals[name] ?? 0) > 0).map(
      (name) => `${name}: ${totals[name]} in ${images} images`,
    );
    if (unusable > 0) broken.push(`the server did not start on ${unusable} of ${images} images`);
    const syncs = calls.filter(({ call }) => call === "sync").length;
    return {
      figures: {
        images,
        "recorded calls": calls.length,
        syncs,
        ...totals,
        "images with loss": withLoss,
        "images that had to be mended": mended,
        "images that the server does not start on": unusable,
      },
      broken,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The last call before the power goes: after any of them, or at any moment. */
function cutAt(
  random: () => number,
  about: { readonly calls: readonly FolderCall[]; readonly marks: readonly Mark[]; readonly byCall: boolean },
): number {
  const { calls, marks, byCall } = about;
  const after = ({ log }: Mark): number =>
    Math.max(
      0,
      calls.findLastIndex(({ end }) => end <= log),
    );
  if (!byCall) return after(marks[Math.floor(random() * marks.length)] as Mark);
  const begun = after(marks[0] as Mark);
  return begun + Math.floor(random() * (calls.length - begun));
}

/** So many bytes of the history were written when the log had so many: all that it tells of was confirmed before. */
interface Mark {
  readonly history: number;
  readonly log: number;
}

async function record(
  scale: Scale,
  seed: number,
  about: {
    readonly engine: Recorded;
    readonly folder: string;
    readonly log: string;
    readonly settings: Readonly<Record<string, string>>;
  },
): Promise<{ readonly marks: readonly Mark[]; readonly events: Buffer }> {
  const { engine, folder, log, settings } = about;
  const server = await ENGINES[engine].start({ folder, settings, under: folderTracer(log) });
  const scene = new Scene(seed, { url: server.url });
  try {
    const history = join(scene.folder, "recorded.history");
    const messages = Math.min(600, scale.messages / 5);
    const program = scene.start("recorded", { history, seed, messages, largest: 4_096, openings: 3 });
    const marks: Mark[] = [];
    const marking = setInterval(() => {
      const written = existsSync(history) ? statSync(history).size : 0;
      if (written > 0) marks.push({ history: written, log: statSync(log).size });
    }, 2);
    // What is tidied is synced: where nothing else is, no loss would be seen.
    const isOver = settings === SYNCED ? tidied(engine, server, program) : program.exited;
    await isOver.finally(() => clearInterval(marking));
    await program.says("done");
    return { marks, events: readFileSync(history) };
  } finally {
    await server.kill();
    await scene.close();
  }
}

async function tidied(engine: Recorded, server: Server, program: Actor): Promise<void> {
  for (;;) {
    await Promise.race([pause(500), program.exited]);
    if (program.isOver) return;
    await ON_DISK[engine].tidy(server.url);
  }
}

/** A server on an image, mended if it does not start otherwise; undefined if it does not start then either. */
async function started(
  engine: Recorded,
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly server: Server | undefined; readonly isMended: boolean }> {
  const { boot, mend } = ON_DISK[engine];
  const start = (): Promise<Server | undefined> => ENGINES[engine].start({ folder, settings }).catch(() => undefined);
  boot(folder);
  const server = await start();
  if (server || !mend) return { server, isMended: false };
  const isMended = mend(folder);
  return { server: isMended ? await start() : undefined, isMended };
}
