import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a test asks of the other process. */
export type Command =
  | { readonly do: "declare"; readonly inbox: string; readonly expiresAfter?: number }
  | { readonly do: "publish"; readonly inbox: string; readonly ids: readonly string[]; readonly dueIn?: number }
  | {
      readonly do: "consume";
      readonly inbox: string;
      readonly credit: number;
      readonly lease?: number;
      readonly settle?: boolean;
      readonly exclusive?: boolean;
    }
  | { readonly do: "settle-held" }
  | { readonly do: "flood"; readonly inbox: string; readonly prefix: string }
  | { readonly do: "close" };

/** What the other process tells. */
export type News =
  | { readonly done: Command["do"]; readonly results?: readonly string[] }
  | { readonly accepted: readonly string[] }
  | { readonly delivered: readonly { readonly id: string; readonly attempt: number; readonly redelivered: boolean }[] }
  | { readonly revoked: string; readonly why: string };

/** A process of its own on a database file, driven by messages. */
export class OtherProcess {
  readonly news: News[] = [];
  readonly #child: ChildProcess;
  #waiting: (() => void)[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (news: News) => {
      this.news.push(news);
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  /** Starts a process that has the file open when this resolves. */
  static async start(path: string, instance: string): Promise<OtherProcess> {
    const script = fileURLToPath(new URL("other-process-main.ts", import.meta.url));
    const child = fork(script, [path, instance], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await once(child, "message");
    return new OtherProcess(child);
  }

  send(command: Command): void {
    this.#child.send(command);
  }

  /** Sends a command and resolves with its results when it is done. */
  async ask(command: Command): Promise<readonly string[]> {
    const before = this.news.length;
    this.send(command);
    const news = await this.when((one, at) => at >= before && "done" in one && one.done === command.do);
    return ("results" in news ? news.results : undefined) ?? [];
  }

  /** Resolves with the first news that fits. */
  async when(fits: (news: News, at: number) => boolean): Promise<News> {
    for (;;) {
      const found = this.news.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ids delivered so far. */
  get delivered(): string[] {
    return this.news.flatMap((news) => ("delivered" in news ? news.delivered.map(({ id }) => id) : []));
  }

  /** Ids accepted so far. */
  get accepted(): string[] {
    return this.news.flatMap((news) => ("accepted" in news ? news.accepted : []));
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** Kills it as `kill -9` does; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
