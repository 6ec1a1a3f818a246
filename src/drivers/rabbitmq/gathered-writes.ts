import type { Writable } from "node:stream";

/** What may be gathered before the library is told to wait, in bytes. */
export const GATHERED = 256 * 1024;

/** Lets what is written to a stream in one go be one call of the system: the client library writes frame by frame. */
export function gatherWrites(stream: Writable): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  const flush = (): void => stream.uncork();
  stream.write = (...args: unknown[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(flush);
    }
    return write(...args);
  };
}
