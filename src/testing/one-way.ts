import type { Socket } from "node:net";
import type { Clock, Timer } from "../internal/clock.ts";
import type { WayFaults } from "./line-faults.ts";

/** Bytes, or the end of the stream, on their way. */
interface Parcel {
  readonly data: Buffer | undefined;
  due: number;
}

/** Bytes that may be on their way before no more are read. */
const MOST_ON_THE_WAY = 1_048_576;
/** Parts of a second that bytes are sent in where their rate is limited. */
const PARTS = 50;

/** One way of a connection, from one socket to another. */
export class OneWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #clock: Clock;
  readonly #onBroken: () => void;
  #faults: WayFaults;
  #parcels: Parcel[] = [];
  #waiting = 0;
  #timer: Timer | undefined;
  #hasLost = false;

  /** `onBroken` is called when the side that sends has gone without an end, and the other may know. */
  constructor(from: Socket, to: Socket, options: { clock: Clock; faults: WayFaults; onBroken: () => void }) {
    this.#from = from;
    this.#to = to;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#onBroken = options.onBroken;
    from.on("data", (data: Buffer) => this.#take(data));
    from.on("end", () => this.#take(undefined));
    from.on("error", () => {
      if (this.#faults.hold || this.#faults.drop) this.#hasLost = true;
      else this.#onBroken();
    });
    to.on("drain", () => this.#adapt());
    this.#adapt();
  }

  /** Whether bytes, or word of the end, are lost for good. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** Bytes that have been read and not passed on yet. */
  get waiting(): number {
    return this.#waiting;
  }

  set(faults: WayFaults): void {
    this.#faults = faults;
    // What is under way goes on as if it had come now.
    const parcels = this.#parcels;
    this.#parcels = [];
    this.#waiting = 0;
    for (const { data } of parcels) this.#take(data);
    this.#move();
  }

  close(): void {
    this.#timer?.cancel();
    this.#parcels = [];
    this.#waiting = 0;
  }

  #take(data: Buffer | undefined): void {
    const { drop, delay, rate } = this.#faults;
    if (drop) {
      this.#hasLost = true;
      return;
    }
    const size = rate === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(rate / PARTS));
    for (const part of data === undefined ? [undefined] : slices(data, size)) {
      const length = part?.length ?? 0;
      const before = Math.max(this.#parcels.at(-1)?.due ?? 0, this.#clock.monotonic() + delay);
      this.#parcels.push({ data: part, due: before + (length * 1_000) / rate });
      this.#waiting += length;
    }
    this.#move();
  }

  /** Passes on what is due. */
  #move(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    while (!this.#faults.hold && this.#parcels[0] && this.#parcels[0].due <= now) {
      const { data } = this.#parcels.shift() as Parcel;
      this.#waiting -= data?.length ?? 0;
      if (!this.#to.writable) continue;
      if (data === undefined) this.#to.end();
      else this.#to.write(data);
    }
    const next = this.#parcels[0];
    if (next && !this.#faults.hold) this.#timer = this.#clock.after(next.due - now, () => this.#move());
    this.#adapt();
  }

  /** Reads only while there is room: a sender beyond that is held up by its own buffers, as on a line. */
  #adapt(): void {
    const isFull = this.#waiting > MOST_ON_THE_WAY || this.#to.writableNeedDrain;
    if (this.#faults.hold || isFull) this.#from.pause();
    else this.#from.resume();
  }
}

function slices(data: Buffer, size: number): Buffer[] {
  if (data.length <= size) return [data];
  return Array.from({ length: Math.ceil(data.length / size) }, (_, at) => data.subarray(at * size, (at + 1) * size));
}
