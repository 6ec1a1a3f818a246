import type { Delivery } from "../broker/consumer.ts";
import type { Settlement, SettleResult } from "../broker/settlement.ts";
import { AgentwireError } from "../errors.ts";
import type { AgentHost } from "./host.ts";

/** A settle that the engine refused. */
export interface RefusedSettle {
  readonly delivery: Delivery;
  readonly settlement: Settlement;
  readonly error: unknown;
}

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/** Tells of a settle that the engine refused: the message is where it was. */
export function tellRefusal(host: AgentHost, { delivery, settlement, error }: RefusedSettle): void {
  const { id } = delivery.message;
  const outcome = settlement.outcome === "end" ? settlement.record.end : settlement.outcome;
  const code = AgentwireError.is(error) ? error.code : "REJECTED";
  const what = outcome === "dead-lettered" ? "be put among the dead letters" : `be settled (${outcome})`;
  const message = `Message ${id} in the inbox of "${host.name}" could not ${what} (${code}); it stays there`;
  host.logFor(delivery.message).error({ error: String(error) }, message);
  tell(host, "driver.fault", message, { inbox: delivery.inbox, id, outcome, code });
}

/**
 * Settles again what the engine refused to settle, after 100 ms, doubling up to 10 s, until it answers. Nothing is told
 * to `done` when the driver was closed meanwhile: then the message waits for its next hand-off.
 */
export function settleAgain(host: AgentHost, refused: RefusedSettle, done: (result: SettleResult) => void): void {
  tellRefusal(host, refused);
  const { delivery, settlement } = refused;
  const again = (error: unknown, pause: number): void => {
    if (AgentwireError.is(error, "CLOSED")) return;
    host.clock.after(pause, () => {
      Promise.resolve(delivery.settle(settlement)).then(
        (result) => {
          const { id } = delivery.message;
          const now = result === "lost" ? "has gone to another hand-off" : "was settled after all";
          tell(host, "driver.repaired", `Message ${id} in the inbox of "${host.name}" ${now}`, {
            inbox: delivery.inbox,
            id,
          });
          done(result);
        },
        (next: unknown) => again(next, Math.min(LONGEST_PAUSE, 2 * pause)),
      );
    });
  };
  again(refused.error, FIRST_PAUSE);
}

function tell(
  host: AgentHost,
  type: "driver.fault" | "driver.repaired",
  message: string,
  details: Readonly<Record<string, unknown>>,
): void {
  if (!host.events.wants(type)) return;
  host.events.emit({ type, at: host.clock.now(), driver: host.broker.capabilities.driver, message, details });
}
