import { defineAgent } from "../agent/definition.ts";
import { SHORTEST_LEASE } from "../agent/join.ts";
import {
  type Backoff,
  type ExponentialOptions,
  exponential,
  linear,
  resolveRetryPolicy,
} from "../delivery/retry-policy.ts";
import { AgentwireError } from "../errors.ts";
import { compilePattern } from "../message/pattern.ts";
import { type AgentLimits, type Capability, MOST_SUBSCRIPTIONS } from "../registry/record.ts";
import type { PlainFields } from "./agent-config.ts";
import {
  duration,
  isObject,
  list,
  number,
  object,
  oneOf,
  plainObject,
  type Read,
  type Readers,
  text,
  textThat,
  unfit,
} from "./read-value.ts";

/** A count within the range that `defineAgent` has for the field. */
const count = (field: "concurrency" | "prefetch" | "capacity"): Read<number> =>
  number((value) => defineAgent({ name: "any", [field]: value }));

const capability = object<Capability>({ name: text, version: text }, ["name"]);

const limits = object<AgentLimits>({
  types: list(text),
  maxSize: number((value) => {
    if (!Number.isInteger(value) || value < 0)
      throw new AgentwireError("OUT_OF_RANGE", `maxSize must be a whole number of bytes, not ${value}`);
  }),
});

const growing = object<ExponentialOptions>({
  initial: duration("initial", 1),
  max: duration("max", 1),
  factor: number((factor) => exponential({ factor })),
  jitter: oneOf(["full", "none"]),
});

const waits = object<{ linear: Backoff; exponential: Backoff }>({
  linear: (value, path, issues) => {
    const delay = duration("linear")(value, path, issues);
    return delay === undefined ? undefined : linear(delay);
  },
  exponential: (value, path, issues) => {
    const options = growing(value, path, issues);
    if (options === undefined) return undefined;
    try {
      return exponential(options);
    } catch (error) {
      // Each value fits, but not beside the others.
      if (!AgentwireError.is(error)) throw error;
      issues.add(path, error.message);
      return undefined;
    }
  },
});

const backoff: Read<Backoff | "immediate"> = (value, path, issues) => {
  if (value === "immediate") return value;
  const wanted = '"immediate", { linear: DURATION } or { exponential: {...} }';
  if (!isObject(value)) return unfit(value, wanted, path, issues);
  const read = waits(value, path, issues);
  if (read === undefined) return undefined;
  const [one, ...more] = Object.values(read);
  if (one && more.length === 0) return one;
  issues.add(path, `must be ${wanted}`);
  return undefined;
};

/** How each plain field of a definition is read from a configuration. */
export const PLAIN_FIELDS: Readers<PlainFields> = {
  kind: oneOf(["agent", "container", "human", "external", "a2a", "mcp", "process"]),
  description: text,
  role: text,
  department: text,
  region: text,
  labels: list(text),
  capabilities: list<string | Capability>((value, path, issues) =>
    typeof value === "string" ? value : capability(value, path, issues),
  ),
  metadata: plainObject,
  subscribes: list(textThat(compilePattern), MOST_SUBSCRIPTIONS),
  concurrency: count("concurrency"),
  prefetch: count("prefetch"),
  lease: duration("lease", SHORTEST_LEASE),
  handlerTimeout: duration("handlerTimeout", 1),
  retry: object({ attempts: number((attempts) => resolveRetryPolicy({ attempts })), backoff }),
  capacity: count("capacity"),
  overflow: oneOf(["reject", "wait", "drop-oldest"]),
  limits,
};
