import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { FolderCall } from "./folder-log.ts";
import { DiskFile } from "./power-image.ts";

/** A file under any name, read from the copy of its folder when something in it changes. */
class Entry {
  readonly origin: string | undefined;
  #file: DiskFile | undefined;
  /** Numbers of the calls that made its changes which are in doubt. */
  readonly #calls: number[] = [];

  constructor(origin?: string) {
    this.origin = origin;
  }

  get isChanged(): boolean {
    return this.#file !== undefined;
  }

  get file(): DiskFile {
    return (this.#file ??= new DiskFile(this.origin === undefined ? Buffer.alloc(0) : readFileSync(this.origin)));
  }

  write(path: string, call: number, { offset, data }: { readonly offset: number | undefined; readonly data: Buffer }) {
    this.file.apply({ call: "write", path, offset: offset ?? this.file.size, data });
    this.#calls.push(call);
  }

  resize(path: string, call: number, size: number): void {
    this.file.apply({ call: "truncate", path, size });
    this.#calls.push(call);
  }

  /** All that calls before `from` have changed is on the disk. */
  sync(from: number): void {
    const later = this.#calls.findIndex((call) => call >= from);
    const count = later < 0 ? this.#calls.length : later;
    this.#calls.splice(0, count);
    this.#file?.sync(count);
  }
}

/** A change of names that may not be on the disk yet. */
interface Naming {
  readonly folders: readonly string[];
  /** The file that it gives its first name to. */
  readonly makes?: Entry;
  apply(names: Map<string, Entry>): void;
}

/**
 * What a disk holds of a folder: of each file what was synced, and of its names those whose folder was. A new name is there with
 * the first sync of its file too; other changes of names reach the disk in their order, all of them or the first few.
 */
export class PowerFolder {
  readonly #root: string;
  readonly #base: string;
  readonly #first: readonly string[];
  /** As programs see it. */
  readonly #seen: Map<string, Entry>;
  readonly #durable: Map<string, Entry>;
  readonly #folders = new Set<string>();
  #namings: Naming[] = [];
  #calls = 0;

  /** `base`: a copy of the folder `root` as it was before the first call, when all of it was on the disk. */
  constructor(root: string, base: string) {
    this.#root = root;
    this.#base = base;
    this.#first = readdirSync(base, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(root, relative(base, join(entry.parentPath, entry.name)))] : [],
    );
    this.#seen = new Map(this.#first.map((path) => [path, new Entry(this.#originOf(path))]));
    this.#durable = new Map(this.#seen);
  }

  apply(call: FolderCall): void {
    const number = this.#calls++;
    const { path } = call;
    const entry = this.#seen.get(path);
    switch (call.call) {
      case "open":
        if (!entry) this.#make(path, new Entry());
        else if (call.empties) entry.resize(path, number, 0);
        return;
      case "write":
        return entry?.write(path, number, call);
      case "truncate":
        return entry?.resize(path, number, call.size);
      case "allocate":
        if (entry && call.size > entry.file.size) entry.resize(path, number, call.size);
        return;
      case "sync":
        if (entry)
          return this.#sync(
            (naming) => naming.makes === entry,
            () => entry.sync(call.from),
          );
        return this.#sync(({ folders }) => folders.includes(path));
      case "link":
        if (entry) this.#make(call.to, entry);
        return;
      case "rename":
        if (entry) this.#rename(path, call.to, entry);
        return;
      case "unlink":
        this.#seen.delete(path);
        this.#namings.push({ folders: [dirname(path)], apply: (names) => void names.delete(path) });
        return;
      case "mkdir":
        this.#folders.add(path);
    }
  }

  /** Writes what is found after a loss of power into a new folder. */
  write(folder: string, random: () => number): void {
    const names = new Map(this.#durable);
    for (const { apply } of this.#namings.slice(0, Math.floor(random() * (this.#namings.length + 1)))) apply(names);
    execFileSync("cp", ["-a", this.#base, folder]);
    const placeOf = (path: string): string => join(folder, relative(this.#root, path));
    for (const path of this.#folders) mkdirSync(placeOf(path), { recursive: true, mode: 0o700 });
    for (const path of this.#first) if (!names.has(path)) rmSync(placeOf(path));
    for (const [path, entry] of names) {
      if (!entry.isChanged && entry.origin === this.#originOf(path)) continue;
      const content =
        entry.isChanged || entry.origin === undefined ? entry.file.afterLoss(random) : readFileSync(entry.origin);
      writeFileSync(placeOf(path), content, { mode: 0o600 });
    }
  }

  #originOf(path: string): string {
    return join(this.#base, relative(this.#root, path));
  }

  #make(path: string, makes: Entry): void {
    this.#seen.set(path, makes);
    this.#namings.push({ folders: [dirname(path)], makes, apply: (names) => void names.set(path, makes) });
  }

  #rename(path: string, to: string, entry: Entry): void {
    const apply = (names: Map<string, Entry>): void => {
      names.delete(path);
      names.set(to, entry);
    };
    apply(this.#seen);
    this.#namings.push({ folders: [dirname(path), dirname(to)], apply });
  }

  #sync(which: (naming: Naming) => boolean, then = (): void => {}): void {
    this.#namings = this.#namings.filter((naming) => {
      if (!which(naming)) return true;
      naming.apply(this.#durable);
      return false;
    });
    then();
  }
}
