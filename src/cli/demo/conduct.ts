import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../connect.ts";
import type { ConnectOptions } from "../../connect-options.ts";
import type { Bus } from "../../connected-bus.ts";
import { AgentwireError } from "../../errors.ts";
import type { Progress } from "../terminal/progress.ts";
import { type CrewChild, startCrew } from "./child.ts";
import type { Crew } from "./crew.ts";
import { AuditStarted, ListOddities, Scan } from "./messages.ts";
import { type AuditReport, makeReport } from "./report.ts";
import { type Findings, reporter } from "./reporter.ts";
import { type TreeFiles, writeTree } from "./write-tree.ts";

/** How the demo is run. */
export interface DemoOptions {
  /** The folder that is audited; it is only read. */
  readonly folder: string;
  /** Where report and tree are written. */
  readonly out: string;
  /** Keep the database and the broken package for a look afterwards. */
  readonly keep: boolean;
  /** Where the crews meet; without a URL in a database that is made for it. */
  readonly engine: { readonly url: string | undefined; readonly store: string | undefined };
  readonly progress: Progress;
}

/** Where what was kept can be looked at. */
export interface Kept {
  /** Of the database that was made. */
  readonly url?: string;
  /** On the engine that was named. */
  readonly namespace?: string;
}

/** What the demo leaves behind. */
export interface DemoResult {
  readonly report: AuditReport;
  readonly files: TreeFiles & { readonly report: string };
  readonly kept?: Kept;
}

// An audit of some hundred packages takes seconds; only a fault makes it this long.
const MOST = "50s";
/** In a small folder the work may be over before anybody can be caught at it; so long it is tried, in milliseconds. */
const PATIENCE = 3_000;

/** Runs the audit: crews in processes of their own, one killed half way, one late. @throws ARGUMENT_INVALID when the folder cannot be read */
export async function conduct(options: DemoOptions): Promise<DemoResult> {
  const folder = resolve(options.folder);
  const out = resolve(options.out);
  await checkFolder(folder);
  const work = await mkdtemp(join(tmpdir(), "agentwire-demo-"));
  const { url = `sqlite:${join(work, "demo.db")}`, store } = options.engine;
  const namespace = options.engine.url === undefined ? undefined : `demo-${randomBytes(4).toString("hex")}`;
  const meeting: ConnectOptions = {
    history: true,
    heartbeat: "1s",
    ...(store === undefined ? {} : { store }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const crews: CrewChild[] = [];
  try {
    const broken = await plantBrokenPackage(work);
    options.progress.step(
      `A broken package.json lies in ${broken}, beside the audited folder; the folder itself is only read`,
    );
    await using bus = await connect(url, { name: "conductor", ...meeting });
    const report = await audit({
      bus,
      start: (crew) => startCrew(crew, url, meeting),
      folder,
      extra: join(work, "node_modules"),
      crews,
      progress: options.progress,
    });
    await mkdir(out, { recursive: true });
    const reportFile = join(out, "report.json");
    await writeFile(reportFile, `${JSON.stringify(report, null, 2)}\n`);
    const tree = await writeTree(bus, report.conversation, out);
    if (namespace !== undefined && !options.keep) await leaveNothing(bus, crews);
    return {
      report,
      files: { ...tree, report: reportFile },
      ...(options.keep ? { kept: namespace === undefined ? { url } : { namespace } } : {}),
    };
  } finally {
    options.progress.end();
    await Promise.all(crews.map((crew) => crew.stop()));
    if (!options.keep) await rm(work, { recursive: true, force: true });
  }
}

interface Stage {
  readonly bus: Bus;
  start(crew: Crew): CrewChild;
  readonly folder: string;
  readonly extra: string;
  readonly crews: CrewChild[];
  readonly progress: Progress;
}

async function audit({ bus, start, folder, extra, crews, progress }: Stage): Promise<AuditReport> {
  const findings: Findings = { licences: new Map(), sizes: new Map(), redelivered: new Set() };
  let onNews = (): void => {};
  await bus.join(reporter(findings, () => onNews()));
  const scouts = start("scouts");
  const workers = [start("workers"), start("workers")] as const;
  crews.push(scouts, ...workers);
  await Promise.all(crews.map((crew) => crew.ready));
  progress.step(
    `Three processes have joined, with one engine between them: ${crews.map((crew) => `${crew.crew} ${crew.pid}`).join(", ")}`,
  );

  const told = await bus.broadcast(AuditStarted, { folder }, { where: { department: "audit" } });
  progress.step(`Told ${told.recipients.length} agents of the audit by broadcast: ${told.recipients.join(", ")}`);
  const scan = await bus.requestMessage(
    Scan,
    { folders: [folder, extra] },
    { to: { capability: "scan-folders" }, timeout: MOST },
  );
  const { packages } = scan.payload;
  progress.step(`The scanner announced ${packages} packages on a channel`);

  // The results lag behind the work, so that with a quarter of them in, the work is about half done.
  const half = new Promise<void>((resolve) => {
    onNews = () => {
      const results = findings.licences.size + findings.sizes.size;
      progress.update(`${results} of ${packages * 2} results`);
      if (results >= packages / 2) resolve();
    };
    onNews();
  });
  await Promise.race([half, sleep(PATIENCE, undefined, { ref: false })]);
  const [victim] = workers;
  const held = await victim.freeze(PATIENCE);
  await victim.kill();
  const what = held ? "while it held packages; after 2 s the other one gets them" : "but it had nothing left to do";
  progress.step(`Half way, process ${victim.pid} was killed with SIGKILL, ${what}`);

  const late = start("archive");
  crews.push(late);
  await late.ready;
  progress.step(`The archivist has joined late, as process ${late.pid}`);
  await bus.settled({ timeout: MOST });
  const { oddities, waiting } = await bus.request(ListOddities, {}, { to: { capability: "keep-oddities" } });
  progress.step("All messages have come to their end");
  return makeReport({
    folder,
    conversation: scan.conversationId,
    packages,
    findings,
    oddities,
    foundOnJoining: waiting,
    deadLetters: await bus.deadLetters.list(),
    inboxes: await bus.inboxes.list(),
  });
}

/** Removes the agents and their inboxes from an engine that goes on living. */
async function leaveNothing(bus: Bus, crews: readonly CrewChild[]): Promise<void> {
  await Promise.all(crews.map((crew) => crew.stop()));
  for (const { name } of await bus.agents.list()) await bus.agents.remove(name, { force: true });
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new AgentwireError("ARGUMENT_INVALID", `There is no folder ${folder}`, {
      hint: "Name a folder that exists: agentwire demo DIR",
    });
}

async function plantBrokenPackage(work: string): Promise<string> {
  const folder = join(work, "node_modules", "broken-package");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "name": "broken-package", "version": "1.0.0", ');
  return folder;
}
