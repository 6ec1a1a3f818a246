import { writeFileSync } from "node:fs";
import type { FileCall } from "./write-log.ts";

const SECTOR = 512;

type Change = Extract<FileCall, { call: "write" | "truncate" }>;

/** What a disk holds of one file: all that was synced, and in doubt what was written since. */
export class DiskFile {
  #room: Buffer;
  #synced: number;
  #size: number;
  #unsynced: Change[] = [];

  /** `content`: what it held, synced. */
  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#room = content;
    this.#synced = content.length;
    this.#size = content.length;
  }

  /** Its end, as programs see it. */
  get size(): number {
    return this.#size;
  }

  /** How much of what was written is in doubt. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  /** `random`: for what a failed sync has left. */
  apply(call: FileCall, random: () => number = () => 0): void {
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
        return this.sync();
      case "failed sync": {
        const share = random();
        this.#settle(this.#unsynced.splice(0), () => random() < share);
      }
    }
  }

  /** All that was written is on the disk, or only the first `count` changes that were in doubt. */
  sync(count = this.#unsynced.length): void {
    this.#settle(this.#unsynced.splice(0, count), () => true);
  }

  /** What is found after a loss of power: each unsynced sector was written or was not, each change of the size too. */
  afterLoss(random: () => number): Buffer {
    const share = random();
    const found = new DiskFile(Buffer.from(this.#room.subarray(0, this.#synced)));
    found.#settle(this.#unsynced, () => random() < share);
    return found.#room.subarray(0, found.#synced);
  }

  #settle(changes: readonly Change[], kept: () => boolean): void {
    for (const change of changes) {
      if (change.call === "truncate") {
        if (kept()) this.#resize(change.size);
        continue;
      }
      const end = change.offset + change.data.length;
      for (let at = change.offset; at < end; ) {
        const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
        if (kept()) {
          this.#resize(Math.max(this.#synced, next));
          change.data.copy(this.#room, at, at - change.offset, next - change.offset);
        }
        at = next;
      }
    }
  }

  #resize(size: number): void {
    if (size > this.#room.length) {
      const room = Buffer.alloc(Math.max(size, 2 * this.#room.length));
      this.#room.copy(room, 0, 0, this.#synced);
      this.#room = room;
    }
    if (size < this.#synced) this.#room.fill(0, size, this.#synced);
    this.#synced = size;
  }
}

/** Writes the files as a loss of power after `calls` leaves them; `name` maps a recorded path to one in the image. */
export function writeImage(calls: Iterable<FileCall>, random: () => number, name: (path: string) => string): void {
  const files = new Map<string, DiskFile>();
  for (const call of calls) {
    let file = files.get(call.path);
    if (!file) files.set(call.path, (file = new DiskFile()));
    file.apply(call, random);
  }
  for (const [path, file] of files) writeFileSync(name(path), file.afterLoss(random));
}
