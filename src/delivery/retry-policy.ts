import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";

/** How long to wait before an attempt. `attempt` is the one that failed, from 1; `random` is in [0, 1). Milliseconds. */
export type Backoff = (attempt: number, random: number) => number;

/** Whether and when a failed delivery is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included; 1 to 1,000, default 5. */
  readonly attempts?: number;
  /** Default `exponential()`. */
  readonly backoff?: Backoff | "immediate";
}

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** Wait after the first failure; default `"1s"`. */
  readonly initial?: Duration;
  /** Longest wait; default `"60s"`. */
  readonly max?: Duration;
  /** Growth per attempt, at least 1; default 2. */
  readonly factor?: number;
  /** `full` spreads each wait evenly between 100 ms and its length; default `full`. */
  readonly jitter?: "full" | "none";
}

/** Shortest wait that jitter may give, so that a failing message never spins. */
const SHORTEST_WAIT = 100;

/** Waits that grow by a factor, spread at random: AWS's "full jitter". */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const initial = parseDuration(options.initial ?? 1_000, { name: "initial", min: 1 });
  const max = parseDuration(options.max ?? 60_000, { name: "max", min: initial });
  const factor = options.factor ?? 2;
  if (!(factor >= 1) || factor > 100)
    throw new AgentwireError("OUT_OF_RANGE", `factor must be from 1 to 100, not ${factor}`);
  const jitter = options.jitter ?? "full";
  return (attempt, random) => {
    const wait = Math.min(max, initial * factor ** (attempt - 1));
    return jitter === "none" ? wait : Math.min(wait, Math.max(SHORTEST_WAIT, wait * random));
  };
}

/** The same wait each time. */
export function linear(delay: Duration): Backoff {
  const wait = parseDuration(delay, { name: "delay", min: 0 });
  return () => wait;
}

const immediate: Backoff = () => 0;

/** A retry policy with every default filled in. */
export interface ResolvedRetryPolicy {
  readonly attempts: number;
  readonly backoff: Backoff;
}

/** Fills in the defaults. @throws OUT_OF_RANGE */
export function resolveRetryPolicy(policy: RetryPolicy = {}): ResolvedRetryPolicy {
  const attempts = policy.attempts ?? 5;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 1_000) {
    throw new AgentwireError("OUT_OF_RANGE", `retry.attempts must be a whole number from 1 to 1000, not ${attempts}`);
  }
  return { attempts, backoff: policy.backoff === "immediate" ? immediate : (policy.backoff ?? exponential()) };
}
