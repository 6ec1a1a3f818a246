import type { Clock } from "../../internal/clock.ts";
import type { InboxRow } from "./rows.ts";

/** What is known of the room in inboxes without asking each time. */
export interface RoomsOptions {
  readonly clock: Clock;
  /** How much waits in inboxes. */
  count(inboxes: readonly string[]): Promise<readonly number[]>;
}

interface Room {
  left: number;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** An inbox with less room than this is looked at each time. */
const MUCH = 1_000;
/** Of much room a process takes this part before it looks again, since others take from it too. */
const PART = 8;
const LASTS = 1_000;

/** Room for copies in inboxes. Where little is left it is counted anew for each batch; processes that send at once may overshoot. */
export class Rooms {
  readonly #options: RoomsOptions;
  readonly #rooms = new Map<string, Room>();
  /** Copies on their way into the engine. */
  readonly #underWay = new Map<string, number>();

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Takes room for one copy; false if there is none, undefined if that is not known. */
  take(inbox: string): boolean | undefined {
    const room = this.#rooms.get(inbox);
    if (!room || room.until < this.#options.clock.monotonic()) return undefined;
    if (room.left <= 0) {
      this.#rooms.delete(inbox);
      return false;
    }
    room.left--;
    this.comes(inbox);
    return true;
  }

  /** A copy is on its way for which room was made. */
  comes(inbox: string): void {
    this.#underWay.set(inbox, (this.#underWay.get(inbox) ?? 0) + 1);
  }

  /** A copy for which room was taken is in the engine, or is not. */
  arrived(inbox: string): void {
    const left = (this.#underWay.get(inbox) ?? 0) - 1;
    if (left > 0) this.#underWay.set(inbox, left);
    else this.#underWay.delete(inbox);
  }

  /** What a batch has left of a small room is not known to the next one. */
  forgetSmall(): void {
    const now = this.#options.clock.monotonic();
    for (const [inbox, { left, until }] of this.#rooms) if (left < MUCH || until < now) this.#rooms.delete(inbox);
  }

  async look(rows: readonly InboxRow[]): Promise<void> {
    const names = rows.map(({ name }) => name);
    const waiting = await this.#options.count(names);
    const until = this.#options.clock.monotonic() + LASTS;
    rows.forEach(({ name, capacity }, at) => {
      const left = capacity - (waiting[at] ?? 0) - (this.#underWay.get(name) ?? 0);
      this.#rooms.set(name, { left: left < MUCH ? left : Math.max(MUCH, Math.floor(left / PART)), until });
    });
  }
}
