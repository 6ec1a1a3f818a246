import { createReadStream } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** What a recorded call did to a folder. */
type Effect =
  | { readonly call: "open"; readonly path: string; readonly empties: boolean }
  /** At `offset`; without one, at the end. */
  | { readonly call: "write"; readonly path: string; readonly offset: number | undefined; readonly data: Buffer }
  | { readonly call: "truncate" | "allocate"; readonly path: string; readonly size: number }
  /** What was there when call number `from` ended is on the disk. */
  | { readonly call: "sync"; readonly path: string; readonly from: number }
  | { readonly call: "rename" | "link"; readonly path: string; readonly to: string }
  | { readonly call: "unlink" | "mkdir"; readonly path: string };

/** One recorded call on something in a folder, in the order of time; `end`: so many bytes of the log tell of it and all before. */
export type FolderCall = Effect & { readonly end: number };

const CALLS =
  "open,openat,creat,close,write,writev,pwrite64,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync," +
  "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat";

/** The tracer that records every call with which a server and all its processes change or sync files, with all the data. */
export function folderTracer(log: string): string[] {
  return ["strace", "-f", "-qq", "-y", "-xx", "-s", "8000000", "--seccomp-bpf", "-e", `trace=${CALLS}`, "-o", log];
}

const LINE = /^(\d+) +(.*)$/;
const UNFINISHED = / <unfinished \.\.\.>$/;
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/;
const CALL = /^(\w+)\((.*)\)\s+= (-?\d+)(?:<([^>]*)>)?/;
const FILE = /^(\d+)<([^>]*)>(?:, )?/;
const DELETED = /^\d+<[^>]*>\(deleted\)/;
const TEXT = /"((?:\\x[0-9a-f]{2})*)"/g;

/** Reads what a {@link folderTracer} recorded of one folder, in which the server runs; calls that failed changed nothing. */
export async function readFolderLog(log: string, folder: string, workIn: string): Promise<FolderCall[]> {
  const reader = new FolderLogReader(folder, workIn);
  for await (const line of createInterface({ input: createReadStream(log, "latin1") })) reader.read(line);
  return reader.calls;
}

class FolderLogReader {
  readonly calls: FolderCall[] = [];
  readonly #folder: string;
  readonly #workIn: string;
  /** Calls under way by process: their beginning, and how many calls had ended by then. */
  readonly #begun = new Map<string, { readonly text: string; readonly from: number }>();
  /** Where the next write goes, by process and file descriptor; undefined: to the end. */
  readonly #places = new Map<string, number | undefined>();
  #end = 0;

  constructor(folder: string, workIn: string) {
    this.#folder = folder;
    this.#workIn = workIn;
  }

  read(line: string): void {
    this.#end += line.length + 1;
    const [, pid = "", said = ""] = LINE.exec(line) ?? [];
    if (UNFINISHED.test(said)) {
      this.#begun.set(pid, { text: said.replace(UNFINISHED, ""), from: this.calls.length });
      return;
    }
    const rest = RESUMED.exec(said)?.[1];
    const begun = rest === undefined ? undefined : this.#begun.get(pid);
    const [, name = "", args = "", result = "-1", made = ""] = CALL.exec(begun ? begun.text + rest : said) ?? [];
    if (Number(result) < 0) return;
    const from = begun?.from ?? this.calls.length;
    for (const effect of this.#effects({ name, args, result: Number(result), made: plain(made), pid, from }))
      this.calls.push({ ...effect, end: this.#end });
  }

  #effects(call: {
    readonly name: string;
    readonly args: string;
    readonly result: number;
    readonly made: string;
    readonly pid: string;
    readonly from: number;
  }): Effect[] {
    const { name, args, result, made, pid, from } = call;
    const [, descriptor = "", shown = ""] = FILE.exec(args) ?? [];
    const place = `${pid} ${descriptor}`;
    const path = plain(shown);
    const texts = [...args.matchAll(TEXT)].map(([, text = ""]) => bytes(text));
    switch (name) {
      case "open":
      case "openat":
      case "creat":
        this.#places.set(`${pid} ${result}`, args.includes("O_APPEND") ? undefined : 0);
        if (!this.#isInside(made) || (name !== "creat" && !/O_CREAT|O_TRUNC/.test(args))) return [];
        return [{ call: "open", path: made, empties: name === "creat" || args.includes("O_TRUNC") }];
      case "close":
        this.#places.delete(place);
        return [];
    }
    if (descriptor === "") return this.#named(name, texts.map(String));
    // What has no name any more is found by nobody.
    if (!this.#isInside(path) || DELETED.test(args)) return [];
    const numbers = args.replace(FILE, "").replace(TEXT, "").match(/-?\d+/g)?.map(Number) ?? [];
    switch (name) {
      case "write":
      case "writev": {
        const offset = this.#places.get(place);
        if (offset !== undefined) this.#places.set(place, offset + result);
        return [{ call: "write", path, offset, data: written(texts, result) }];
      }
      case "pwrite64":
      case "pwritev":
        return [{ call: "write", path, offset: numbers.at(-1) ?? 0, data: written(texts, result) }];
      case "ftruncate":
        return [{ call: "truncate", path, size: numbers.at(-1) ?? 0 }];
      case "fallocate":
        return [{ call: "allocate", path, size: (numbers[1] ?? 0) + (numbers[2] ?? 0) }];
      case "fsync":
      case "fdatasync":
        return [{ call: "sync", path, from }];
      default:
        throw new Error(`A recorded ${name} of an open file is not understood`);
    }
  }

  /** Of calls that name what they change. */
  #named(name: string, names: readonly string[]): Effect[] {
    const [path = "", to = ""] = names.map((one) => resolve(this.#workIn, one));
    if (!this.#isInside(path) && !this.#isInside(to)) return [];
    if (name.startsWith("rename")) return [{ call: "rename", path, to }];
    if (name.startsWith("link")) return [{ call: "link", path, to }];
    if (name.startsWith("unlink")) return [{ call: "unlink", path }];
    if (name.startsWith("mkdir")) return [{ call: "mkdir", path }];
    throw new Error(`A recorded ${name} is not understood`);
  }

  #isInside(path: string): boolean {
    return path === this.#folder || path.startsWith(join(this.#folder, "/"));
  }
}

function written(texts: readonly Buffer[], length: number): Buffer {
  const data = Buffer.concat(texts).subarray(0, length);
  if (data.length !== length) throw new Error(`A recorded write of ${length} bytes holds ${data.length}`);
  return data;
}

function bytes(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll("\\x", ""), "hex");
}

function plain(shown: string): string {
  return shown.startsWith("\\x") ? bytes(shown).toString() : shown;
}
