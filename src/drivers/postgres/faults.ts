import { AgentwireError, type ErrorCode } from "../../errors.ts";
import { certificateError } from "../certificates.ts";

/** What kind of trouble an error of the client library is. */
export type FaultKind =
  /** The server answered that it did nothing: it can be asked again, at once or later. */
  | "conflict"
  | "full"
  | "busy"
  | "read-only"
  | "not-allowed"
  | "data"
  | "refused"
  /** No answer came, or one that leaves it open: it may have been done. */
  | "unknown";

/** Of a write or sync that failed. Where that is the log's, the server falls over it, and finds the commit there when it comes back. */
const IO_ERROR = "58030";

/** Sorts an error by its SQLSTATE; without one the server has not answered. */
export function faultKind(error: unknown): FaultKind {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code) || severity === undefined) return "unknown";
  if (code === "40P01" || code === "40001") return "conflict";
  if (severity === "PANIC" || code === IO_ERROR) return "unknown";
  if (code === "53100") return "full";
  if (code === "25006") return "read-only";
  if (code.startsWith("57P")) return "unknown";
  if (code.startsWith("53") || code === "55P03" || code === "57014") return "busy";
  if (code.startsWith("28") || code === "42501") return "not-allowed";
  return code.startsWith("22") ? "data" : "refused";
}

const CODES: Readonly<Record<FaultKind, ErrorCode>> = {
  conflict: "BACKPRESSURE",
  full: "STORAGE_FULL",
  busy: "BACKPRESSURE",
  "read-only": "STORE_READ_ONLY",
  "not-allowed": "ENGINE_STATE",
  data: "REJECTED",
  refused: "REJECTED",
  unknown: "INDETERMINATE",
};

const HINTS: Readonly<Partial<Record<FaultKind, string>>> = {
  "read-only": "Connect to the primary: this server is a standby, or was made read-only.",
  "not-allowed": "See to user and password, and to the rights that docs/drivers/postgres.md lists.",
};

/** The typed error for what PostgreSQL or the way to it refused; `what` names what failed. */
export function faultError(error: unknown, what: string, server: string): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const kind = faultKind(error);
  const { message, code } = error as { message?: string; code?: string };
  const hint = HINTS[kind];
  return new AgentwireError(
    CODES[kind],
    `${what} failed: ${server} ${kind === "unknown" ? "did not answer" : "answered"} (${message || code})`,
    {
      details: { server, ...(code === undefined ? {} : { sqlState: code }) },
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    },
  );
}

/** The typed error for a connection that could not be made. */
export function connectError(error: unknown, server: string): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const refused = certificateError(error, server);
  if (refused) return refused;
  const kind = faultKind(error);
  const { message, code } = error as { message?: string; code?: string };
  return new AgentwireError("ENGINE_STATE", `${server} cannot be used: ${message || code}`, {
    details: { server, ...(code === undefined ? {} : { reason: code }) },
    hint: HINTS[kind] ?? "See to it that the server runs at this address, and that the database exists.",
    cause: error,
  });
}
