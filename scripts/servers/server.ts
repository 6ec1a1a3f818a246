import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, type Greeting } from "./answers.ts";

/** How a private server is set up. */
export interface ServerOptions {
  /** An existing folder for its data, which is kept; default: a temporary one of its own, removed by `stop`. */
  readonly folder?: string;
  /** What clients must give; default: none is asked for, except by RabbitMQ. */
  readonly password?: string;
  /** Settings by the engine's own names, over those of the class `power`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A command to run it under, such as a tracer. */
  readonly under?: readonly string[];
}

/** A server of an engine on the loopback address, for whoever started it alone: it ends with that process, however that ends. */
export interface Server {
  readonly port: number;
  /** For clients, with user and password. */
  readonly url: string;
  /** Where its data is. */
  readonly folder: string;
  /** Its process; undefined while it is down. */
  readonly pid: number | undefined;
  /** Starts it again, on the same port and data. Resolves when it takes work. @throws Error when it ends early */
  start(): Promise<void>;
  /** Stops it and all its processes where they stand (SIGSTOP), until it is thawed. */
  freeze(): void;
  /** Lets it go on (SIGCONT). */
  thaw(): void;
  /** SIGKILL; its data stays as it is. */
  kill(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** What to run, and how to see that it runs. */
export interface ServerProgram {
  readonly command: readonly string[];
  readonly spawn?: SpawnOptions;
  readonly url: string;
  readonly greeting: Greeting;
}

const MOST_TO_START = 60_000;

// Whatever becomes of the process that holds the other end of fd 3, the server's process group ends with it.
const KEEPER = "read -r _ <&3; kill -s KILL 0";
const LAUNCH = `{ ${KEEPER}; } </dev/null >/dev/null 2>&1 & exec "$@" 3<&-`;

/** Starts a server, described once its folder is known. Resolves when it takes work. @throws Error when it ends early */
export async function startServer(
  { folder, under = [] }: ServerOptions,
  describe: (folder: string) => Promise<ServerProgram>,
): Promise<Server> {
  const home = folder ?? mkdtempSync(join(tmpdir(), "agentwire-server-"));
  const clear = (): void => {
    // Whatever its processes still write when they are killed is in the way for a moment.
    if (folder === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", clear);
  try {
    const program = await describe(home);
    const server = new PrivateServer({ ...program, command: [...under, ...program.command] }, home, clear);
    await server.start();
    return server;
  } catch (error) {
    process.off("exit", clear);
    clear();
    throw error;
  }
}

class PrivateServer implements Server {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly #program: ServerProgram;
  readonly #clear: () => void;
  #child: ChildProcess | undefined;

  constructor(program: ServerProgram, folder: string, clear: () => void) {
    this.#program = program;
    this.#clear = clear;
    this.url = program.url;
    this.port = program.greeting.port;
    this.folder = folder;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.#name} runs already`);
    const log = openSync(this.#log, "w");
    const child = spawn("sh", ["-c", LAUNCH, "sh", ...this.#program.command], {
      ...this.#program.spawn,
      // Of its own process group, so that the keeper ends all of it and nothing else.
      detached: true,
      stdio: ["ignore", log, log, "pipe"],
    });
    closeSync(log);
    child.unref();
    (child.stdio[3] as unknown as { unref(): void }).unref();
    this.#child = child;
    child.once("exit", () => {
      child.stdio[3]?.destroy();
      if (this.#child === child) this.#child = undefined;
    });
    const waiting = new AbortController();
    const limit = setTimeout(() => waiting.abort(), MOST_TO_START);
    const ended = new Promise<never>((_, reject) => {
      const fail = (what: string): void => reject(new Error(`${this.#name} ${what}\n${this.#lastWords()}`));
      child.once("error", ({ message }) => fail(`cannot be started: ${message}`));
      child.once("exit", (code, signal) => fail(`ended by itself (${signal ?? code})`));
      waiting.signal.addEventListener("abort", () => fail(`was not ready in ${MOST_TO_START / 1_000} s`));
    });
    ended.catch(() => {});
    try {
      await Promise.race([answers(this.#program.greeting, waiting.signal), ended]);
    } finally {
      clearTimeout(limit);
      waiting.abort();
    }
  }

  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.ref();
    process.kill(-(child.pid as number), "SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    // Nothing on its disk is wanted any more.
    await this.kill();
    process.off("exit", this.#clear);
    this.#clear();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) throw new Error(`${this.#name} is down`);
    for (const pid of withDescendants(this.pid)) process.kill(pid, signal);
  }

  get #name(): string {
    return this.#program.command[0] as string;
  }

  get #log(): string {
    return join(this.folder, "server.log");
  }

  #lastWords(): string {
    return readFileSync(this.#log, "utf8").split("\n").slice(-60).join("\n");
  }
}

/** A process and all that it has started, whatever group they are in. */
function withDescendants(pid: number): number[] {
  const parents = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [pid];
  for (const parent of found) found.push(...parents.filter(([, of]) => of === parent).map(([child]) => child));
  return found;
}
