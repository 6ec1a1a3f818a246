import type { Envelope } from "../message/envelope.ts";

/** On whose behalf something is sent. */
export interface Origin {
  /** Written into `from`. */
  readonly name: string;
  /** Whether the name is an agent's: an agent never gets its own fan-outs and is never picked for its own messages. */
  readonly isAgent: boolean;
  /** Names of the types it may send; undefined: any. */
  readonly sends: ReadonlySet<string> | undefined;
  /** The message being handled, which causes what is sent. */
  readonly cause: Envelope | undefined;
  /** Runs around every publish of this origin, outermost first. */
  readonly publishing: readonly PublishInterceptor[];
}

/** What an interceptor learns of a message on its way out. */
export interface PublishContext {
  readonly kind: "send" | "publish" | "broadcast" | "request" | "reply";
}

/** Continues with the message, or another one made from it. */
export type PublishNext = (message: Envelope) => Promise<void>;

/** Runs around publishing: `(next) => async (message, context) => next(message)`. Throwing refuses the message. */
export type PublishInterceptor = (next: PublishNext) => (message: Envelope, context: PublishContext) => Promise<void>;
