import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock, Timer } from "../internal/clock.ts";

/** Writing a file tells several times: it is looked at when nothing more came for so many milliseconds. */
const SETTLE = 100;
/** What a mounted configuration map replaces, so that all its files change at once. */
const MOUNTED = "..data";

/** What {@link watchFile} is given. */
export interface FileWatch {
  readonly clock: Clock;
  onChange(): void;
  onError(error: unknown): void;
}

/** Tells when a file has changed, or was replaced by another, as editors do; returns the way to stop. Never keeps the process alive. */
export function watchFile(path: string, { clock, onChange, onError }: FileWatch): () => void {
  const name = basename(path);
  let timer: Timer | undefined;
  const watcher = watch(dirname(path), { persistent: false }, (_event, changed) => {
    if (changed !== null && changed !== name && changed !== MOUNTED) return;
    timer?.cancel();
    timer = clock.after(SETTLE, onChange);
  });
  watcher.on("error", onError);
  return () => {
    timer?.cancel();
    watcher.close();
  };
}
