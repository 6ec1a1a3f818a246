import { AgentwireError } from "../../errors.ts";
import { certificateError } from "../certificates.ts";

/** Codes of the protocol by which the server refuses. */
const CONNECTION_FORCED = 320;
const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;
const PRECONDITION_FAILED = 406;
const NOT_ALLOWED = 530;

/** The number with which the server refused; undefined if the error is another one. */
function refusal(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "number" ? code : undefined;
}

/** Whether the server said that there is no such queue. */
export function isNotFound(error: unknown): boolean {
  return refusal(error) === NOT_FOUND;
}

/** The typed error for something that failed; `what` names it. `isRead`: it changed nothing, whatever became of it. */
export function faultError(error: unknown, { what, isRead }: { what: string; isRead: boolean }): AgentwireError {
  if (AgentwireError.is(error)) return error;
  const text = (error as Error).message;
  switch (refusal(error)) {
    case ACCESS_REFUSED:
    case NOT_ALLOWED:
      return new AgentwireError("ENGINE_STATE", `${what} failed: the user has no right to do this (${text})`, {
        hint: "Give the user the rights to configure, write and read `agentwire/.*` in the virtual host.",
        cause: error,
      });
    case PRECONDITION_FAILED:
    case RESOURCE_LOCKED: {
      const [, argument] = /inequivalent arg '([^']+)'/.exec(text) ?? [];
      return new AgentwireError("ENGINE_STATE", `${what} failed: what is there is of another kind (${text})`, {
        details: argument === undefined ? {} : { argument },
        hint: "Another program has declared it with other arguments; remove it, or use another virtual host.",
        cause: error,
      });
    }
    case NOT_FOUND:
      return new AgentwireError("ENGINE_STATE", `${what} failed: it is not there (${text})`, {
        hint: "Another program has deleted it.",
        cause: error,
      });
    case CONNECTION_FORCED:
    case undefined:
      return new AgentwireError(
        isRead ? "ENGINE_STATE" : "INDETERMINATE",
        `${what} failed: the connection was lost while the answer was awaited`,
        { cause: error },
      );
    default:
      return new AgentwireError("REJECTED", `${what} failed: ${text}`, { cause: error });
  }
}

/** The typed error for a connection that could not be made. */
export function connectError(error: unknown, server: string): AgentwireError {
  if (AgentwireError.is(error)) return error;
  // Of what follows the handshake: the user may connect, and not do it.
  if (refusal(error) !== undefined) return faultError(error, { what: `Connecting to ${server}`, isRead: true });
  const refused = certificateError(error, server);
  if (refused) return refused;
  const text = (error as Error).message || ((error as { code?: string }).code ?? "no reason given");
  if (/ACCESS[_-]REFUSED|\b403\b/.test(text))
    return new AgentwireError("ENGINE_STATE", `${server} refused the user or password of the URL`, {
      hint: "Check user and password in the URL.",
      cause: error,
    });
  if (/NOT_ALLOWED|\b530\b|ConnectionOpenOk/.test(text))
    return new AgentwireError("ENGINE_STATE", `${server} has no such virtual host, or the user may not use it`, {
      hint: "Check what follows the host in the URL: rabbitmqctl list_vhosts, rabbitmqctl list_permissions.",
      cause: error,
    });
  return new AgentwireError("ENGINE_STATE", `${server} cannot be reached: ${text}`, {
    hint: "Check that the server runs, and the host and port of the URL.",
    cause: error,
  });
}
