import { randomFillSync } from "node:crypto";
import type { Clock } from "../internal/clock.ts";

/** The two digits of each byte, as character codes. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0").charCodeAt(0));
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0").charCodeAt(1));
/** Random bytes drawn at once. */
const POOL = 4_096;
/** Random bytes in one id; twelve more bits are a counter that keeps ids of one millisecond in order. */
const BYTES = 8;
/** Where in the text each random byte goes. */
const PLACES = [19, 21, 24, 26, 28, 30, 32, 34] as const;

/** Makes UUIDv7 ids (RFC 9562): sortable by time, and in the order they were made within one generator. */
export class IdGenerator {
  readonly #clock: Pick<Clock, "now">;
  readonly #pool = Buffer.alloc(POOL);
  // Written in place and read as one flat text: ids put together from pieces stay trees, which cost three times the memory.
  readonly #text = Buffer.from("00000000-0000-7000-8000-000000000000", "latin1");
  #at = POOL;
  #time = -1;
  #counter = 0;

  constructor(options: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = options.clock;
  }

  /** Makes an id, by the clock unless the caller has just read it. About 0.1 us. */
  next(time = this.#clock.now()): string {
    const now = Math.floor(time);
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
    const text = this.#text;
    this.#write(14, 0x70 | (this.#counter >> 8));
    this.#write(16, this.#counter & 0xff);
    this.#write(PLACES[0], 0x80 | ((pool[at] as number) & 0x3f));
    for (let place = 1; place < BYTES; place++) this.#write(PLACES[place] as number, pool[at + place] as number);
    return text.toString("latin1");
  }

  #write(place: number, byte: number): void {
    this.#text[place] = HIGH[byte] as number;
    this.#text[place + 1] = LOW[byte] as number;
  }

  /** A clock that goes back does not: ids go on from the latest time seen. */
  #startMillisecond(time: number, counter: number): void {
    this.#time = time;
    this.#counter = counter;
    const hex = time.toString(16).padStart(12, "0");
    this.#text.write(hex.slice(0, 8), 0, "latin1");
    this.#text.write(hex.slice(8, 12), 9, "latin1");
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
