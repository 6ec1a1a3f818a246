import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ConnectOptions } from "../../connect-options.ts";
import type { Crew } from "./crew.ts";

/** A crew in a process of its own. */
export interface CrewChild {
  readonly crew: Crew;
  readonly pid: number;
  /** Resolves when its agents have joined. @throws when the process ends before that */
  readonly ready: Promise<void>;
  /** Makes it stop at the next package it takes; true once it holds one, false when none came within `patience` milliseconds. */
  freeze(patience: number): Promise<boolean>;
  /** Ends it as a crash would: nothing is drained, nothing given back. */
  kill(): Promise<void>;
  /** Lets it drain and leave. */
  stop(): Promise<void>;
}

/** What a crew's process is told through its environment, where no other user of the machine can read it. */
export interface CrewTask {
  readonly crew: Crew;
  readonly url: string;
  readonly options: ConnectOptions;
}

/** Name of the environment variable that has the {@link CrewTask}. */
export const CREW_TASK = "AGENTWIRE_DEMO_CREW";

/** Starts a crew as a child process. */
export function startCrew(crew: Crew, url: string, options: ConnectOptions): CrewChild {
  const entry = fileURLToPath(new URL(`./crew-process${extname(import.meta.url)}`, import.meta.url));
  const env = { ...process.env, [CREW_TASK]: JSON.stringify({ crew, url, options } satisfies CrewTask) };
  const child = fork(entry, [], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    void said(child, "ready").then(resolve);
    child.once("error", reject);
    void ended.then(() => reject(new Error(`The ${crew} process ended before its agents had joined`)));
  });
  // Whoever awaits `ready` sees the failure; a crew that is stopped before anybody awaits it is none.
  ready.catch(() => {});
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  return {
    crew,
    pid: child.pid ?? 0,
    ready,
    async freeze(patience) {
      const frozen = said(child, "frozen");
      child.send("freeze");
      const none = Promise.race([ended, sleep(patience, undefined, { ref: false })]);
      return Promise.race([frozen.then(() => true), none.then(() => false)]);
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    child.on("message", function listener(message) {
      if (message !== word) return;
      child.off("message", listener);
      resolve();
    });
  });
}
