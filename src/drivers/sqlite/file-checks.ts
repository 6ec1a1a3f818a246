import { closeSync, lstatSync, openSync, readSync, type Stats, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { AgentwireError } from "../../errors.ts";
import { APPLICATION_ID } from "./schema.ts";

// f_type of statfs(2). SQLite's shared memory and locks do not work over a network.
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x01021997, "9p"],
  [0x5346414f, "afs"],
  [0x73757245, "coda"],
  [0x0bd00bd0, "lustre"],
  [0x00c36400, "ceph"],
  [0x01161970, "gfs2"],
  [0x7461636f, "ocfs2"],
]);

const MAGIC = "SQLite format 3\0";
const APPLICATION_ID_OFFSET = 68;

function corrupt(path: string, what: string, hint?: string): AgentwireError {
  return new AgentwireError("STORE_CORRUPT", `${path} ${what}; it was not changed`, {
    details: { path },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The file's status; undefined: there is none. Never follows a symbolic link. */
export function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** @throws ENGINE_STATE when the folder lies on a network file system */
export function refuseNetworkFileSystem(path: string): void {
  if (process.platform !== "linux") return;
  const kind = NETWORK_FILE_SYSTEMS.get(statfsSync(dirname(path)).type);
  if (kind === undefined) return;
  throw new AgentwireError(
    "ENGINE_STATE",
    `${path} lies on a network file system (${kind}), where SQLite is not safe`,
    {
      details: { path, fileSystem: kind },
      hint: "Put the file on a local disk, or use a server: redis:, nats: or postgres:.",
    },
  );
}

/**
 * Looks at an existing file without opening it as a database.
 * Returns false where there is nothing yet: no file, or an empty one that another process is about to fill.
 * @throws STORE_CORRUPT when it is a link, not a database, or not ours; STORE_READ_ONLY when it is write-protected
 */
export function checkFile(path: string): boolean {
  const stat = statOf(path);
  const journal = statOf(`${path}-wal`);
  if (stat === undefined || stat.size === 0) {
    if (journal !== undefined && journal.size > 0)
      throw corrupt(path, `is ${stat ? "empty" : "missing"}, but its write-ahead log is not`);
    if (stat === undefined) return false;
  }
  if (stat.isSymbolicLink())
    throw corrupt(path, "is a symbolic link", "Name the file itself in the URL: a link can come to mean another file.");
  if (!stat.isFile()) throw corrupt(path, "is not a regular file", "Name a file in the URL.");
  if (journal !== undefined && !journal.isFile())
    throw corrupt(path, "has a write-ahead log that is not a regular file");
  if ((stat.mode & 0o222) === 0)
    throw new AgentwireError("STORE_READ_ONLY", `${path} is write-protected`, { details: { path } });
  if (stat.size === 0) return false;
  const header = readHeader(path);
  if (header.length < 100 || header.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw corrupt(path, "is not a SQLite database");
  if (header.readUInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw corrupt(path, "is a database of another program", "Name another file in the URL.");
  }
  return true;
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(100);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw new AgentwireError("STORE_READ_ONLY", `${path} cannot be opened: ${(cause as Error).message}`, {
      details: { path },
      cause,
    });
  }
  try {
    return header.subarray(0, readSync(file, header, 0, header.length, 0));
  } finally {
    closeSync(file);
  }
}
