/** Copies that the server hands to a consumer together with its wake-up; see lua/taking.ts. */
export interface HandedOver {
  readonly consumer: string;
  /** By the server's clock. */
  readonly at: number;
  /** The lease of the consumer begins with it. */
  readonly begins: boolean;
  /** The consumer has to look for itself from now on. */
  readonly isLast: boolean;
  /** Id, token, stored form and what is known of earlier hand-offs, of each. */
  readonly copies: readonly string[];
}

/** No JSON has it. */
const SEPARATOR = "\x1e";

/** Reads what was told. */
export function handedOverIn(text: string): HandedOver {
  const [consumer = "", at, cover, last, ...copies] = text.split(SEPARATOR);
  return { consumer, at: Number(at), begins: cover === "C", isLast: last === "last", copies };
}
