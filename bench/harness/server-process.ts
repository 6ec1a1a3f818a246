import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** A server that a side started for itself; it ends with the side's process. */
export interface ServerProcess {
  stop(): Promise<void>;
}

/** Starts a server and waits until `ready` resolves. @throws Error when the program is missing or ends early */
export async function startServer(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
  ready: () => Promise<void>,
): Promise<ServerProcess> {
  const child = spawn(program, args, { ...options, stdio: "ignore" });
  const ended = new Promise<never>((_, reject) => {
    child.once("error", (cause) => reject(new Error(`${program} cannot be started: ${cause.message}`, { cause })));
    child.once("exit", (code, signal) => reject(new Error(`${program} ended by itself (${signal ?? code})`)));
  });
  ended.catch(() => {});
  const kill = (): void => void child.kill("SIGKILL");
  process.on("exit", kill);
  await Promise.race([ready(), ended]);
  return {
    async stop() {
      process.off("exit", kill);
      await stop(child);
    },
  };
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    // Nothing on its disk is wanted any more.
    child.kill("SIGKILL");
  });
}
