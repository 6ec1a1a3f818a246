import type { DriverContext } from "../../broker/driver.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import type { Desk } from "./desk.ts";
import type { Arrival, QueueEngine } from "./engine.ts";
import { type Past, pastOf } from "./rows.ts";
import type { Takeover } from "./takeover.ts";

/** What picking needs around it. */
export interface PickerOptions {
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly takeover: Takeover;
  readonly desk: Desk;
}

const MOST = 128;

/** Takes copies out of the engine in order to end them: what it takes nobody else has. */
export class Picker {
  readonly #options: PickerOptions;

  constructor(options: PickerOptions) {
    this.#options = options;
  }

  /** Ends the first copies that wait; how many, 0 when none do. */
  async endSome(inbox: string, end: CancelledEnd): Promise<number> {
    for (let level = 0; level < PRIORITIES.length; level++) {
      const ended = await this.#endFrom(inbox, { level, limit: MOST, end });
      if (ended > 0) return ended;
    }
    return 0;
  }

  /** Ends the oldest copy of the lowest level that has one. */
  async endOldest(inbox: string, end: CancelledEnd): Promise<boolean> {
    for (let level = PRIORITIES.length - 1; level >= 0; level--)
      if ((await this.#endFrom(inbox, { level, limit: 1, end })) > 0) return true;
    return false;
  }

  async #endFrom(
    inbox: string,
    { level, limit, end }: { readonly level: number; readonly limit: number; readonly end: CancelledEnd },
  ): Promise<number> {
    const { engine, desk, context } = this.#options;
    for (;;) {
      const arrivals = await engine.fetch(inbox, level, limit);
      if (arrivals.length === 0) return 0;
      const free = await this.#freeOf(inbox, arrivals);
      const at = context.clock.now();
      await Promise.all(
        free.map(({ arrival, message, past }) => {
          const record = { id: message.id, recipient: inbox, end, at, attempt: past?.a ?? 0, ...past?.o };
          return desk.end(inbox, { record, arrival, message });
        }),
      );
      if (free.length > 0) return free.length;
    }
  }

  /** Of these, the ones that are nobody's. */
  async #freeOf(
    inbox: string,
    arrivals: readonly Arrival[],
  ): Promise<{ readonly arrival: Arrival; readonly message: Envelope; readonly past: Past | undefined }[]> {
    const { engine, takeover, context } = this.#options;
    const read = arrivals.flatMap((arrival) => {
      try {
        return { arrival, message: context.codec.decode(arrival.body), past: pastOf(arrival.head) };
      } catch {
        const message = { id: `unreadable-${arrival.mark}`, type: "" } as Envelope;
        return { arrival, message, past: undefined };
      }
    });
    const isDoubtful = ({ arrival, past }: (typeof read)[number]): boolean =>
      arrival.doubt !== "none" || past?.g === true;
    const doubtful = read.filter(isDoubtful);
    if (doubtful.length === 0) return read;
    const verdicts = await takeover.judge(
      inbox,
      doubtful.map(({ arrival, message }) => ({ id: message.id, arrival })),
    );
    const free = read.filter((one) => !isDoubtful(one));
    for (const [at, verdict] of verdicts.entries()) {
      const one = doubtful[at] as (typeof doubtful)[number];
      if (verdict === "ended") await engine.acknowledge([one.arrival]);
      else if (verdict === "mine") engine.forget([one.arrival]);
      else if ("take" in verdict) free.push({ ...one, past: verdict.take });
      else await engine.giveBack([one.arrival], "later" in verdict ? verdict.later : 0);
    }
    return free;
  }
}
