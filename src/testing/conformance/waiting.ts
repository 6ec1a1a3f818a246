import assert from "node:assert/strict";
import type { ConformanceEngine, EngineTime } from "./suite.ts";

// Real engines on a busy machine get this long; a fake clock this much of its own time.
const PATIENCE = 15_000;
const FAKE_STEP = 50;
const REAL_STEP = 3;

const pause = (duration: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, duration));

const realTime: EngineTime = { now: () => Date.now(), advance: pause };

/** Waits for conditions in the engine's own time. */
export class Waiting {
  readonly #time: EngineTime;
  readonly #step: number;

  constructor(engine: ConformanceEngine) {
    this.#time = engine.clock ?? realTime;
    this.#step = engine.clock ? FAKE_STEP : REAL_STEP;
  }

  now(): number {
    return this.#time.now();
  }

  /** Lets a time pass. */
  async pass(duration: number): Promise<void> {
    const end = this.#time.now() + duration;
    while (this.#time.now() < end) await this.#time.advance(end - this.#time.now());
  }

  /** Resolves when the condition holds; fails after 15 s of the engine's time, naming what was awaited. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const end = this.#time.now() + PATIENCE;
    // Most things take only a turn of the event loop, and no time.
    for (let turn = 0; turn < 5; turn++) {
      if (await condition()) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    while (!(await condition())) {
      if (this.#time.now() > end) assert.fail(`waited in vain until ${what}`);
      await this.#time.advance(this.#step);
    }
  }
}
