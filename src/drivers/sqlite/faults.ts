import { AgentwireError } from "../../errors.ts";

/**
 * What kind of trouble an error of SQLite is. `full-index`: the disk had room for what was logged, but not for the log's
 * index, so that a commit may still count.
 */
export type FaultKind = "busy" | "full" | "full-index" | "read-only" | "corrupt" | "io" | "other";

const SHMSIZE = { number: 4874, name: "SQLITE_IOERR_SHMSIZE" };

// Primary result codes of SQLite; both client libraries give them, under different names.
const BY_NUMBER: Readonly<Record<number, FaultKind>> = {
  5: "busy",
  6: "busy",
  8: "read-only",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "io",
  26: "corrupt",
};
const BY_NAME: Readonly<Record<string, FaultKind>> = {
  BUSY: "busy",
  LOCKED: "busy",
  READONLY: "read-only",
  IOERR: "io",
  CORRUPT: "corrupt",
  FULL: "full",
  CANTOPEN: "io",
  NOTADB: "corrupt",
};

/** Sorts an error thrown by a client library. */
export function faultKind(error: unknown): FaultKind {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (errcode === SHMSIZE.number || code === SHMSIZE.name) return "full-index";
  if (typeof errcode === "number") return BY_NUMBER[errcode & 0xff] ?? "other";
  const name = typeof code === "string" ? /^SQLITE_([A-Z]+)/.exec(code)?.[1] : undefined;
  return (name === undefined ? undefined : BY_NAME[name]) ?? "other";
}

/** The typed error for something SQLite refused; `what` names what failed, nothing of it was stored. */
export function faultError(error: unknown, what: string, path: string): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const details = { path };
  switch (faultKind(error)) {
    case "full":
    case "full-index":
      return new AgentwireError("STORAGE_FULL", `${what} failed: the disk under ${path} is full`, {
        details,
        cause: error,
      });
    case "read-only":
      return new AgentwireError("STORE_READ_ONLY", `${what} failed: ${path} cannot be written`, {
        details,
        cause: error,
      });
    case "corrupt":
      return new AgentwireError("STORE_CORRUPT", `${what} failed: ${path} is damaged`, { details, cause: error });
    default:
      return new AgentwireError("REJECTED", `${what} failed: ${(error as Error).message}`, { details, cause: error });
  }
}
