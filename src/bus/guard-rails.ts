import type { Envelope } from "../message/envelope.ts";
import { loopMark } from "../message/fingerprint.ts";

/** Why a message goes to the dead letters instead of a handler. */
export interface Refusal {
  readonly code: "HOPS_EXCEEDED" | "LOOP_DETECTED" | "BUDGET_SPENT";
  readonly reason: string;
}

/** A message caused by more than this many others, one after the other, is refused. */
const MAX_DEPTH = 16;

/** The same sender, recipient, type and payload so many times on one path is a loop. */
const LOOP_LENGTH = 8;

/** Looks at a caused message's depth and path; answers go back along the path and are exempt. */
export function checkPath(
  envelope: Envelope,
  cause: Envelope,
): { readonly path: readonly string[]; readonly refusal?: Refusal } {
  const path = [...(cause.path ?? []), loopMark(cause)];
  const depth = envelope.depth ?? 0;
  const limit = envelope.budget?.depth ?? MAX_DEPTH;
  if (depth > limit) {
    return {
      path,
      refusal: { code: "HOPS_EXCEEDED", reason: `${depth} messages have caused one another; at most ${limit} may` },
    };
  }
  const mark = loopMark(envelope);
  let seen = 1;
  for (const earlier of path) if (earlier === mark) seen++;
  if (seen >= LOOP_LENGTH) {
    return {
      path,
      refusal: {
        code: "LOOP_DETECTED",
        reason: `${envelope.from} has sent this same ${envelope.type} ${seen} times on one path`,
      },
    };
  }
  return { path };
}
