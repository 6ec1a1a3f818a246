import { AgentwireError, type ErrorCode } from "../../errors.ts";
import { certificateError } from "../certificates.ts";

/** A refusal by JetStream. */
export class Refusal extends Error {
  /** JetStream's own number of the error; 0 where it has none. */
  readonly number: number;

  constructor(number: number, text: string) {
    super(text);
    this.number = number;
  }
}

/** JetStream's numbers for what is told apart. */
export const NUMBERS = {
  wrongLastSequence: 10071,
  streamNotFound: 10059,
  consumerNotFound: 10014,
  noMessage: 10037,
  noResponders: 503,
} as const;

const BY_NUMBER: Readonly<Record<number, { readonly code: ErrorCode; readonly why: string }>> = {
  10047: { code: "STORAGE_FULL", why: "JetStream has no storage left (max_file_store, or the disk)" },
  10023: { code: "STORAGE_FULL", why: "JetStream has no resources left" },
  10077: { code: "STORAGE_FULL", why: "the stream or the disk is full" },
  10028: { code: "STORAGE_FULL", why: "JetStream has no storage left" },
  10002: { code: "STORAGE_FULL", why: "the account's storage for JetStream is full" },
  10039: { code: "ENGINE_STATE", why: "the account has no JetStream" },
  10076: { code: "ENGINE_STATE", why: "the server has no JetStream; start it with --jetstream" },
  10008: { code: "BACKPRESSURE", why: "JetStream is not available for the moment" },
  10009: { code: "BACKPRESSURE", why: "the stream has no leader for the moment" },
  503: { code: "ENGINE_STATE", why: "nobody answers: JetStream is not enabled, or not available for the moment" },
};

/** The typed error for a call that failed; `what` names it. `isRead`: it changed nothing, whatever became of it. */
export function faultError(error: unknown, { what, isRead }: { what: string; isRead: boolean }): AgentwireError {
  if (AgentwireError.is(error)) return error;
  if (error instanceof Refusal) {
    const known =
      BY_NUMBER[error.number] ?? (/no space|insufficient/.test(error.message) ? BY_NUMBER[10047] : undefined);
    return new AgentwireError(known?.code ?? "REJECTED", `${what} failed: ${known?.why ?? error.message}`, {
      cause: error,
    });
  }
  const text = (error as Error).message;
  if (/max_payload/.test(text))
    return new AgentwireError("PAYLOAD_TOO_LARGE", `${what} failed: it is larger than the server takes (max_payload)`, {
      cause: error,
    });
  const code = isRead ? "ENGINE_STATE" : "INDETERMINATE";
  return new AgentwireError(code, `${what} failed: the connection was lost while the answer was awaited`, {
    cause: error,
  });
}

/** The typed error for a connection that could not be made. */
export function connectError(error: unknown, server: string): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const refused = certificateError(error, server);
  if (refused) return refused;
  const text = (error as Error).message || ((error as { code?: string }).code ?? "no reason given");
  if (/authorization|authentication|permissions/i.test(`${(error as Error).name} ${text}`))
    return new AgentwireError("ENGINE_STATE", `${server} refused the user, password or token of the URL`, {
      hint: "Check user and password in the URL.",
      cause: error,
    });
  return new AgentwireError("ENGINE_STATE", `${server} cannot be reached: ${text}`, {
    hint: "Check that the server runs, and the host and port of the URL.",
    cause: error,
  });
}
