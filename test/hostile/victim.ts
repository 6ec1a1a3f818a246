import { AgentwireError, type Bus, defineAgent, defineMessage, type ErrorCode, jsonSchema } from "agentwire";
import { expect } from "vitest";
import { failure } from "../support/buses.ts";

/** Takes any payload, so that only the library itself stands between a hostile one and the store. */
export const Anything = defineMessage("anything", jsonSchema<unknown>({}));

/** An agent on a bus, and proof that what was thrown at it did no harm. */
export interface Victim {
  readonly bus: Bus;
  /** Payloads handled, in order. */
  readonly handled: unknown[];
  /** The call must fail with this code; nothing is stored, nothing is polluted, the next message is handled. Returns the error. */
  refuses(call: () => unknown, code: ErrorCode | readonly ErrorCode[]): Promise<AgentwireError>;
  /** The bus still works and no prototype has changed. */
  isUnharmed(): Promise<void>;
}

/** Joins an agent named `victim` that takes anything. */
export async function victimOn(bus: Bus): Promise<Victim> {
  const handled: unknown[] = [];
  await bus.join(defineAgent({ name: "victim" }).on(Anything, ({ payload }) => void handled.push(payload)));
  const accepted = async (): Promise<number> =>
    (await bus.inboxes.list()).reduce((sum, inbox) => sum + inbox.accepted, 0);
  const isUnharmed = async (): Promise<void> => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
    const before = handled.length;
    await (await bus.send(Anything, "still here", { to: "victim" })).settled({ timeout: "5s" });
    expect(handled.slice(before)).toEqual(["still here"]);
  };
  return {
    bus,
    handled,
    isUnharmed,
    refuses: async (call, code) => {
      const before = await accepted();
      const error = await failure((async () => call())());
      expect(AgentwireError.is(error), `an AgentwireError, not ${String(error).slice(0, 200)}`).toBe(true);
      const { code: found, message } = error as AgentwireError;
      expect(typeof code === "string" ? [code] : code).toContain(found);
      expect(message.length).toBeLessThan(2_048);
      expect(JSON.stringify(error)).not.toContain("at Object.");
      expect(await accepted()).toBe(before);
      await isUnharmed();
      return error as AgentwireError;
    },
  };
}
