import { AgentwireError } from "../errors.ts";

/** Turns a payload of an older version into one of the next version. */
export type Upcast = (payload: never) => unknown;

/** What {@link upcaster} is built from. */
export interface UpcasterOptions {
  /** Name of the message type. */
  readonly name: string;
  /** The type's own version, to which payloads are brought. */
  readonly version: number;
  readonly steps: { readonly [from: number]: Upcast };
}

/**
 * Chains the steps from an older version up to the type's own. A version without a step goes on as it is: its schema decides.
 * @throws OUT_OF_RANGE, ARGUMENT_INVALID at once; VALIDATION_FAILED when a step throws
 */
export function upcaster(options: UpcasterOptions): (payload: unknown, from: number) => unknown {
  const { name, version } = options;
  const steps = new Map<number, (payload: unknown) => unknown>();
  for (const [key, step] of Object.entries(options.steps)) {
    const from = Number(key);
    if (!Number.isInteger(from) || from < 1 || from >= version) {
      throw new AgentwireError(
        "OUT_OF_RANGE",
        `The upcasts of ${name} are for versions 1 to ${version - 1}, not ${key.slice(0, 20)}`,
      );
    }
    if (typeof step !== "function")
      throw new AgentwireError("ARGUMENT_INVALID", `The upcast of ${name} from version ${from} is not a function`);
    steps.set(from, step as (payload: unknown) => unknown);
  }
  return (payload, from) => {
    let current = payload;
    for (let at = Math.max(1, from); at < version; at++) {
      const step = steps.get(at);
      if (step) current = taken(name, at, step, current);
    }
    return current;
  };
}

function taken(name: string, from: number, step: (payload: unknown) => unknown, payload: unknown): unknown {
  try {
    return step(payload);
  } catch (cause) {
    const message = `could not be brought up from version ${from}`;
    throw new AgentwireError("VALIDATION_FAILED", `A payload of ${name} ${message}`, {
      cause,
      details: { type: name, issues: [{ path: [], message }] },
    });
  }
}
