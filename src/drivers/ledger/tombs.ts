import type { CancelTarget } from "../../broker/broker.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { Tomb } from "./rows.ts";

/** What is said of a copy without reading it. */
export type Named = Pick<Envelope, "id" | "from" | "key">;

/** The tomb that a message lies under, if there is one. */
export function endOf(tombs: readonly Tomb[], { id, from, key }: Named): Tomb | undefined {
  if (tombs.length === 0) return undefined;
  return tombs.find((tomb) =>
    tomb.ids === undefined
      ? tomb.key === key && tomb.sender === from && (tomb.before === undefined || id < tomb.before)
      : tomb.ids.includes(id),
  );
}

/** Whether a cancel means this copy. */
export function isMeant(target: CancelTarget, { id, from, key }: Named): boolean {
  if ("all" in target) return true;
  if ("id" in target) return id === target.id;
  return key === target.key && from === target.sender;
}
