import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How a program is started. */
export interface ProgramOptions {
  /** A command to run it under, such as a tracer. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Root of another release of the package, to run the program of that name there; default: this one. */
  readonly root?: string;
}

/** A real process that runs one of the programs. */
export class Program {
  readonly #child: ChildProcess;
  /** Lines of standard output and standard error so far. */
  readonly lines: string[] = [];
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  readonly #watchers = new Set<() => void>();
  #over = false;

  constructor(program: string, task: unknown, options: ProgramOptions = {}) {
    const { root = fileURLToPath(new URL("../..", import.meta.url)) } = options;
    const script = join(root, "test", "faults", "programs", `${program}.ts`);
    const command = [...(options.under ?? []), process.execPath, "--import", "tsx", script, JSON.stringify(task)];
    this.#child = spawn(command[0] as string, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on("line", (line) => {
        this.lines.push(line);
        for (const watcher of this.#watchers) watcher();
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.#over = true;
        for (const watcher of this.#watchers) watcher();
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Resolves with the first line that starts so. @throws when the program ends without it */
  async says(start: string): Promise<string> {
    for (;;) {
      const line = this.lines.find((one) => one.startsWith(start));
      if (line !== undefined) return line;
      if (this.#over) throw new Error(`A program ended without saying "${start}": ${this.lines.slice(-25).join("\n")}`);
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Ends it at once, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }
}
