import { AgentFailure, AgentwireError, ERROR_CODES } from "../errors.ts";

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

const UNREADABLE = "The handler threw something without a text";

/** Reads an error that may be anything: null, a text, an object at which every look throws. Never throws. */
export function describeThrown(error: unknown): Thrown {
  return quietly(() => known(error)) ?? other(error);
}

/** What a look at a foreign object yields; undefined if the look itself throws. */
export function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function known(error: unknown): Thrown | undefined {
  if (error instanceof AgentFailure) {
    return {
      code: cut(error.code),
      message: cut(error.message),
      ...(error.data === undefined ? {} : { data: error.data }),
      final: true,
      retryable: false,
    };
  }
  if (!AgentwireError.is(error) || !Object.hasOwn(ERROR_CODES, error.code)) return undefined;
  return { code: error.code, message: cut(error.message), final: false, retryable: error.retryable };
}

function other(error: unknown): Thrown {
  const message = quietly(() =>
    error instanceof Error
      ? error.message || error.name
      : typeof error === "object"
        ? JSON.stringify(error)
        : String(error),
  );
  const retryAfter = quietly(() => (error as { retryAfter?: unknown }).retryAfter);
  return {
    code: "HANDLER_FAILED",
    message: cut(message),
    final: false,
    retryable: quietly(() => (error as { retryable?: unknown }).retryable) === true,
    ...(typeof retryAfter === "number" && retryAfter >= 0 ? { retryAfter } : {}),
  };
}

function cut(text: unknown): string {
  if (typeof text !== "string" || text === "") return UNREADABLE;
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
