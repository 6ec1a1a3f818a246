import { AgentFailure, AgentwireError } from "../errors.ts";

/** Longest text of an error that is kept or sent, in characters. */
const LONGEST = 2_048;

/** What is kept and told of whatever a handler has thrown. */
export interface Thrown {
  readonly code: string;
  /** At most 2 KiB. */
  readonly message: string;
  readonly data?: unknown;
  /** The handler has said that no other attempt helps. */
  readonly final: boolean;
  /** The error itself says that another attempt can help. */
  readonly retryable: boolean;
  /** Milliseconds to wait before another attempt, if the error says so. */
  readonly retryAfter?: number;
}

/** Reads an error that may be anything: null, a text, an object whose getters throw. Never throws. */
export function describeThrown(error: unknown): Thrown {
  if (error instanceof AgentFailure) {
    return { code: cut(error.code), message: cut(error.message), ...(error.data === undefined ? {} : { data: error.data }), final: true, retryable: false };
  }
  if (AgentwireError.is(error)) return { code: error.code, message: cut(error.message), final: false, retryable: error.retryable };
  const message = read(() => (error instanceof Error ? error.message || error.name : typeof error === "object" ? JSON.stringify(error) : String(error)));
  const retryAfter = read(() => (error as { retryAfter?: unknown }).retryAfter);
  return {
    code: "HANDLER_FAILED",
    message: cut(typeof message === "string" && message !== "" ? message : "The handler threw something without a text"),
    final: false,
    retryable: read(() => (error as { retryable?: unknown }).retryable) === true,
    ...(typeof retryAfter === "number" && retryAfter >= 0 ? { retryAfter } : {}),
  };
}

function read(getter: () => unknown): unknown {
  try {
    return getter();
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
