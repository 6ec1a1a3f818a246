import { writeFileSync } from "node:fs";
import type { FileCall } from "./write-log.ts";

const SECTOR = 512;

/** What a disk holds of one file: all that was synced, and in doubt what was written since. */
class DiskFile {
  #synced: Buffer = Buffer.alloc(0);
  #size = 0;
  #unsynced: Extract<FileCall, { call: "write" | "truncate" }>[] = [];

  apply(call: FileCall): void {
    switch (call.call) {
      case "append":
        return this.apply({ call: "write", path: call.path, offset: this.#size, data: call.data });
      case "write":
        this.#size = Math.max(this.#size, call.offset + call.data.length);
        this.#unsynced.push(call);
        return;
      case "truncate":
        this.#size = call.size;
        this.#unsynced.push(call);
        return;
      case "sync":
        this.#synced = this.#after(() => true);
        this.#unsynced = [];
    }
  }

  /** What is found after a loss of power: each unsynced sector was written or was not, each change of the size too. */
  afterLoss(random: () => number): Buffer {
    const share = random();
    return this.#after(() => random() < share);
  }

  #after(kept: () => boolean): Buffer {
    let room = this.#synced.length;
    for (const call of this.#unsynced)
      room = Math.max(room, call.call === "write" ? call.offset + call.data.length : call.size);
    const content = Buffer.alloc(room);
    this.#synced.copy(content);
    let size = this.#synced.length;
    for (const call of this.#unsynced) {
      if (call.call === "truncate") {
        if (!kept()) continue;
        if (call.size < size) content.fill(0, call.size);
        size = call.size;
        continue;
      }
      const end = call.offset + call.data.length;
      for (let at = call.offset; at < end; ) {
        const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
        if (kept()) {
          call.data.copy(content, at, at - call.offset, next - call.offset);
          size = Math.max(size, next);
        }
        at = next;
      }
    }
    return Buffer.from(content.subarray(0, size));
  }
}

/** Writes the files as a loss of power after `calls` leaves them; `name` maps a recorded path to one in the image. */
export function writeImage(calls: Iterable<FileCall>, random: () => number, name: (path: string) => string): void {
  const files = new Map<string, DiskFile>();
  for (const call of calls) {
    let file = files.get(call.path);
    if (!file) files.set(call.path, (file = new DiskFile()));
    file.apply(call);
  }
  for (const [path, file] of files) writeFileSync(name(path), file.afterLoss(random));
}
