import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CompiledReleases } from "./compiled.ts";

/** What programs run from; whoever starts some closes it at the end. */
export const compiled = new CompiledReleases();

/** How a program is started. */
export interface ProgramOptions {
  /** A command to run it under, such as a tracer. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Root of another release of the package, to run the program of that name there; default: this one. */
  readonly root?: string;
}

/** Someone who plays a role: a process, or a part of this one. */
export interface Actor {
  /** What it has said so far. */
  readonly lines: readonly string[];
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  readonly isOver: boolean;
  readonly pid: number;
  /** Resolves with the first line that starts so. @throws when it ends without saying it */
  says(start: string): Promise<string>;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void;
  /** Ends it at once, whatever it does; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What an actor has said, and a way to wait for more. */
export class Script {
  readonly lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  #over = false;

  get isOver(): boolean {
    return this.#over;
  }

  add(line: string): void {
    this.lines.push(line);
    for (const watcher of this.#watchers) watcher();
  }

  end(): void {
    this.#over = true;
    for (const watcher of this.#watchers) watcher();
  }

  async says(start: string): Promise<string> {
    for (;;) {
      const line = this.lines.find((one) => one.startsWith(start));
      if (line !== undefined) return line;
      if (this.#over) throw new Error(`It ended without saying "${start}": ${this.lines.slice(-25).join("\n")}`);
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }
}

/** A real process that runs one of the programs. */
export class Program implements Actor {
  readonly #child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #script = new Script();

  constructor(program: string, task: unknown, options: ProgramOptions = {}) {
    const { root = fileURLToPath(new URL("../..", import.meta.url)) } = options;
    const script = join(compiled.folderOf(root), "test", "faults", "programs", `${program}.js`);
    const command = [...(options.under ?? []), process.execPath, script, JSON.stringify(task)];
    this.#child = spawn(command[0] as string, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on("line", (line) => this.#script.add(line));
    }
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.#script.end();
        resolve(code);
      });
    });
  }

  /** Lines of standard output and standard error so far. */
  get lines(): readonly string[] {
    return this.#script.lines;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isOver(): boolean {
    return this.#script.isOver;
  }

  says(start: string): Promise<string> {
    return this.#script.says(start);
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }
}
