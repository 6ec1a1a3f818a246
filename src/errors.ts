import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

export { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

/** One fault that a schema found. */
export interface Issue {
  /** Where in the value, as property names and array positions; empty for the value itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** One fault that was found in a configuration file. */
export interface ConfigIssue {
  /** Where, such as `agents[2].retry.attempts`; empty for the file itself. */
  readonly path: string;
  /** From 1, where the format tells. */
  readonly line?: number;
  readonly message: string;
}

/** What an error of a given code carries beyond its message. Codes not listed carry free-form details. */
export interface ErrorDetails {
  VALIDATION_FAILED: { readonly type: string; readonly issues: readonly Issue[] };
  AGENT_NOT_FOUND: { readonly agent: string; readonly suggestions: readonly string[] };
  INBOX_FULL: { readonly inbox: string; readonly capacity: number };
  TIMEOUT: { readonly id?: string; readonly recipient?: string; readonly timeout: number };
  REMOTE_FAILED: {
    readonly id: string;
    readonly from: string;
    readonly code: string;
    readonly message: string;
    readonly data?: unknown;
  };
  CONFIG_INVALID: { readonly file: string; readonly issues: readonly ConfigIssue[] };
  DURABILITY_UNMET: { readonly required: string; readonly found: string; readonly reason: string };
}

type DetailsOf<C extends ErrorCode> = C extends keyof ErrorDetails
  ? ErrorDetails[C]
  : Readonly<Record<string, unknown>>;

/** Options of a new {@link AgentwireError}. */
export interface ErrorOptions<C extends ErrorCode> {
  readonly details?: DetailsOf<C>;
  readonly cause?: unknown;
  /** Overrides the table's hint where something more exact is known. */
  readonly hint?: string;
}

// A registered symbol, so that two copies of the package recognise each other's errors.
const BRAND = Symbol.for("agentwire.error");

/** The one error class of the library: what failed, which thing, and what to do next. */
export class AgentwireError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "AgentwireError";
  readonly code: C;
  /** Whether the same call can succeed later without any change. */
  readonly retryable: boolean;
  readonly details: DetailsOf<C>;
  /** What to do next. */
  readonly hint: string;

  constructor(code: C, message: string, options: ErrorOptions<C> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = ERROR_CODES[code].retryable;
    this.hint = options.hint ?? ERROR_CODES[code].hint;
    this.details = (options.details ?? {}) as DetailsOf<C>;
  }

  get [BRAND](): true {
    return true;
  }

  /** Whether `error` is an AgentwireError, of `code` if one is given; also across copies of the package. */
  static is<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is AgentwireError<C> {
    if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
    return code === undefined || (error as AgentwireError).code === code;
  }

  toJSON(): { code: C; message: string; hint: string; retryable: boolean; details: DetailsOf<C> } {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      retryable: this.retryable,
      details: this.details,
    };
  }
}

/** Thrown by a handler to end a message without another attempt; a request's caller sees `code`, the text and `data`. */
export class AgentFailure extends Error {
  override readonly name = "AgentFailure";
  /** The handler's own code, such as `"CARD_DECLINED"`. */
  readonly code: string;
  /** Plain JSON data for the caller. */
  readonly data: unknown;

  constructor(code: string, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
