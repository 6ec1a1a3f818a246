import type { ConsumeOptions } from "../../broker/consumer.ts";
import type { Row } from "./connection.ts";
import type { Other } from "./session.ts";

/** Asks the server on a connection. */
export type Ask = (statement: { text: string; values: unknown[] }) => Promise<{ readonly rows: readonly Row[] }>;

/** A consumer in the server's books. */
export interface Begun {
  readonly id: number;
  readonly inboxId: number;
  /** How often it was entered again. */
  readonly begun: number;
  /** Who took from the inbox before; empty where it is entered again. */
  readonly others: readonly Other[];
}

/** Who begins, and where. */
export interface Beginning {
  readonly scope: string;
  readonly peer: number;
  readonly inbox: string;
  readonly options: ConsumeOptions;
  /** The consumer's id, where it is entered again. */
  readonly again?: number;
}

/** Milliseconds that a lease which is renewed lasts longer at least where its holder could not be heard. */
const SHORTEST_GRACE = 100;

const BEGIN = "SELECT consumer_id, inbox_id, begun, others FROM begin_consumer($1, $2, $3, $4, $5, $6, $7, $8)";

/** As long as it takes until the next renewal: none where nothing is renewed. */
export function graceOf({ renew, lease }: ConsumeOptions): number {
  return renew ? Math.max(SHORTEST_GRACE, Math.ceil(lease / 3)) : 0;
}

/** Enters a consumer into the books of its inbox; undefined if there is no such inbox. */
export async function beginConsumer(
  ask: Ask,
  { scope, peer, inbox, options, again }: Beginning,
): Promise<Begun | undefined> {
  const { instance, exclusive = false, types, exceptTypes, lease } = options;
  // What comes next is certainly for one that takes everything.
  const isDirect = types === undefined && exceptTypes === undefined;
  const direct = isDirect ? [Math.ceil(lease), graceOf(options)] : [null, null];
  const values = [scope, peer, inbox, instance, exclusive, ...direct, again ?? null];
  const [row] = (await ask({ text: BEGIN, values })).rows as [Row];
  if (row["inbox_id"] === null) return undefined;
  return {
    id: row["consumer_id"] as number,
    inboxId: row["inbox_id"] as number,
    begun: row["begun"] as number,
    others: (row["others"] as readonly Other[] | null) ?? [],
  };
}
