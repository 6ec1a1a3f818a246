import { randomFillSync } from "node:crypto";
import type { Clock } from "../internal/clock.ts";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Random bytes drawn at once. */
const POOL = 4_096;
/** Random bytes in one id; twelve more bits are a counter that keeps ids of one millisecond in order. */
const BYTES = 8;

/** Makes UUIDv7 ids (RFC 9562): sortable by time, and in the order they were made within one generator. */
export class IdGenerator {
  readonly #clock: Pick<Clock, "now">;
  readonly #pool = Buffer.alloc(POOL);
  #at = POOL;
  #time = -1;
  #counter = 0;
  #prefix = "";

  constructor(options: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = options.clock;
  }

  /** About 0.1 us. */
  next(): string {
    const now = Math.floor(this.#clock.now());
    if (this.#at + BYTES > POOL) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const pool = this.#pool;
    const at = this.#at;
    this.#at = at + BYTES;
    // A random start makes ids of two processes in one millisecond differ more; the upper half is left to count in.
    if (now > this.#time) this.#startMillisecond(now, (pool[at] as number) << 3);
    else if (++this.#counter > 0xfff) this.#startMillisecond(this.#time + 1, 0);
    const counter = this.#counter;
    return (
      this.#prefix +
      (HEX[0x70 | (counter >> 8)] as string) +
      (HEX[counter & 0xff] as string) +
      "-" +
      (HEX[0x80 | ((pool[at] as number) & 0x3f)] as string) +
      (HEX[pool[at + 1] as number] as string) +
      "-" +
      (HEX[pool[at + 2] as number] as string) +
      (HEX[pool[at + 3] as number] as string) +
      (HEX[pool[at + 4] as number] as string) +
      (HEX[pool[at + 5] as number] as string) +
      (HEX[pool[at + 6] as number] as string) +
      (HEX[pool[at + 7] as number] as string)
    );
  }

  /** A clock that goes back does not: ids go on from the latest time seen. */
  #startMillisecond(time: number, counter: number): void {
    this.#time = time;
    this.#counter = counter;
    const hex = time.toString(16).padStart(12, "0");
    this.#prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-`;
  }
}

/** When an id was made, in wall milliseconds; 0 for one that is not a UUIDv7. */
export function timeOfId(id: string): number {
  return isId(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : 0;
}

/** Whether a text is a UUIDv7. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}
