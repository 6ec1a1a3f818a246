import { AgentwireError, type ErrorCode } from "../../errors.ts";

/** What the server's own error replies mean, by their first word; any other is a definite refusal. */
const BY_WORD: Readonly<Record<string, { readonly code: ErrorCode; readonly why: string }>> = {
  OOM: { code: "STORAGE_FULL", why: "the server's memory is full (maxmemory)" },
  MISCONF: { code: "STORAGE_FULL", why: "the server cannot write to its disk" },
  READONLY: { code: "ENGINE_STATE", why: "the server is a read-only replica" },
  LOADING: { code: "ENGINE_STATE", why: "the server is still loading its data" },
  MASTERDOWN: { code: "ENGINE_STATE", why: "the server has lost its master" },
  MOVED: { code: "ENGINE_STATE", why: "the keys of this bus belong to another node of the cluster" },
  CLUSTERDOWN: { code: "ENGINE_STATE", why: "the cluster is down" },
  WRONGTYPE: {
    code: "ENGINE_STATE",
    why: "another program has put something else in the place of a key of this bus (WRONGTYPE)",
  },
  NOPERM: { code: "ENGINE_STATE", why: "the user has no right to do this" },
  NOAUTH: { code: "ENGINE_STATE", why: "the server asks for a password" },
  BUSY: { code: "BACKPRESSURE", why: "the server is busy with a script" },
};

/** The first word of an error that the server itself answered; undefined if the error is another one. */
export function replyWord(error: unknown): string | undefined {
  const { constructor, message } = error as Error;
  if (!/^(?:Simple|Blob)Error$|^ErrorReply$/.test(constructor?.name ?? "")) return undefined;
  return /^[A-Z]+/.exec(message)?.[0] ?? "";
}

/** The typed error for a call that failed; `what` names it. `isRead`: it changed nothing, whatever became of it. */
export function faultError(error: unknown, { what, isRead }: { what: string; isRead: boolean }): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const word = replyWord(error);
  if (word === undefined) {
    const code = isRead ? "ENGINE_STATE" : "INDETERMINATE";
    return new AgentwireError(code, `${what} failed: the connection was lost while the answer was awaited`, {
      cause: error,
    });
  }
  const known = BY_WORD[word];
  return new AgentwireError(known?.code ?? "REJECTED", `${what} failed: ${known?.why ?? (error as Error).message}`, {
    cause: error,
  });
}
