import type { DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, FailedAttempt } from "../../message/receipt-record.ts";
import type { Claim } from "./holding.ts";
import type { Server } from "./session.ts";
import type { Settler } from "./settle.ts";

/** A copy whose body cannot be read. */
export interface Damaged {
  readonly inbox: string;
  readonly claim: Claim;
  /** This hand-off's. */
  readonly attempt: number;
  readonly failures: string | null;
  readonly body: string;
  readonly error: unknown;
}

const RAW_KEPT = 64 * 1024;

/** Puts a copy that cannot be read among the dead letters, so that the others go on, and says why. Never fails. */
export async function quarantine(
  { inbox, claim, attempt, failures, body, error }: Damaged,
  { server, context, settler }: { readonly server: Server; readonly context: DriverContext; readonly settler: Settler },
): Promise<void> {
  const code = AgentwireError.is(error) ? error.code : "DECODE_FAILED";
  try {
    const about = await server.row("Looking at a message", {
      text: "SELECT id, type FROM copy WHERE inbox = $1 AND level = $2 AND place = $3",
      values: [claim.inbox, claim.level, claim.place],
    });
    const { id, type } = about as { readonly id: string; readonly type: string };
    const at = context.clock.now();
    const letter: DeadLetter<Pick<Envelope, "id" | "type">> = {
      message: { id, type },
      // What a newer release wrote is whole, and can be sent again by one.
      raw: { text: code === "VERSION_UNSUPPORTED" ? body : body.slice(0, RAW_KEPT) },
      recipient: inbox,
      code,
      reason: AgentwireError.is(error) ? error.message : "The stored message cannot be read",
      at,
      attempts: failures === null ? [] : (JSON.parse(failures) as FailedAttempt[]),
    };
    const record = { id, recipient: inbox, end: "dead-lettered", at, attempt: attempt - 1, reason: code } as const;
    await settler.end({ claim, record, isSynced: true, letter: JSON.stringify(letter) });
    context.report({
      type: "driver.quarantined",
      driver: "postgres",
      message: `Message ${id} in the inbox of "${inbox}" cannot be read (${code}); it is among the dead letters`,
      details: { inbox, id, code },
    });
  } catch (cause) {
    context.report({
      type: "driver.fault",
      driver: "postgres",
      message: `A message in the inbox of "${inbox}" cannot be read (${code}), nor be put among the dead letters: ${(cause as Error).message}`,
      details: { inbox, outcome: "dead-lettered", code },
    });
  }
}
