import type { ResolvedRetryPolicy } from "../delivery/retry-policy.ts";
import type { Envelope } from "../message/envelope.ts";
import { describeThrown, quietly, type Thrown } from "./error-text.ts";
import { Rejection } from "./handler-context.ts";

/** What follows from a failed attempt. */
export type Verdict =
  | { readonly action: "retry"; readonly delay: number; readonly thrown: Thrown }
  | { readonly action: "give-up"; readonly thrown: Thrown };

/**
 * Decides what a thrown error does to a delivery. A plain message is tried again after any error but `reject` and AgentFailure;
 * a request only after errors that call themselves retryable, since its asker waits.
 */
export function judge(
  error: unknown,
  message: Envelope,
  attempt: number,
  retry: ResolvedRetryPolicy,
  random: () => number,
): Verdict {
  const rejection = quietly(() => (error instanceof Rejection ? error : undefined));
  if (rejection) {
    return {
      action: "give-up",
      thrown: {
        code: "HANDLER_REJECTED",
        message: describeThrown(rejection.reason).message,
        final: true,
        retryable: false,
      },
    };
  }
  const thrown = describeThrown(error);
  const again = !thrown.final && attempt < retry.attempts && (message.replyInbox === undefined || thrown.retryable);
  if (!again) return { action: "give-up", thrown };
  return { action: "retry", delay: thrown.retryAfter ?? retry.backoff(attempt, random()), thrown };
}
