import type { Row } from "./connection.ts";

/** Copies that came along with their wake-up: the transaction that stored them has handed them out. */
export interface Forwarded {
  readonly consumer: number;
  /** For which connection of the consumer, see `Begun`. */
  readonly begun: number;
  /** As a claim answers them, with the token of each, and when its lease ends by the server's clock. */
  readonly rows: readonly Row[];
}

/** Between the bodies: neither JSON nor base64 holds it. */
const BETWEEN = "\u001e";

/** Reads a notification of the kind `f`, which the procedure `forward` writes. */
export function forwardedIn(data: string): Forwarded {
  const [about = "", ...bodies] = data.slice(1).split(BETWEEN);
  const [consumer, begun, offered, until, copies] = JSON.parse(about) as [
    ...[number, number, number, number],
    [number, number, number][],
  ];
  const rest = { crashes: 0, offered, until, order_key: null, failures: null };
  const rows = copies.map(([level, place, attempt], at) => ({
    ...{ level, place, attempt, token: -place, body: bodies[at], ...rest },
  }));
  return { consumer, begun, rows };
}

/** Puts what was forwarded while a claim was under way into the order of the inbox: before what was claimed, or after it. */
export function merged(claimed: readonly Row[], forwarded: readonly Row[]): readonly Row[] {
  if (forwarded.length === 0) return claimed;
  const first = Math.min(...claimed.map(({ place }) => place as number));
  // It was forwarded as nothing else waited: what was claimed came earlier than it as a whole, or later.
  const isEarlier = ({ place }: Row): boolean => (place as number) < first;
  return [...forwarded.filter(isEarlier), ...claimed, ...forwarded.filter((row) => !isEarlier(row))];
}
