import { AGING_PERIOD } from "../../../broker/aging.ts";
import { PRIORITIES, type Priority } from "../../../message/envelope.ts";

interface ModelMessage {
  readonly id: string;
  readonly level: number;
  place: number;
}

/**
 * The simplest inbox that could be right: a list that is searched. What a driver hands out is compared with it:
 * within a level the order of acceptance, between levels the higher one but for the aging guard.
 */
export class ModelInbox {
  readonly waiting: ModelMessage[] = [];
  readonly held = new Map<string, ModelMessage>();
  accepted = 0;
  acknowledged = 0;
  withdrawn = 0;
  #place = 0;
  #passedOver = 0;

  send(id: string, priority: Priority): void {
    this.accepted++;
    this.waiting.push({ id, level: PRIORITIES.indexOf(priority), place: ++this.#place });
  }

  /** Takes over what a driver handed out; returns what is wrong with it, if anything. */
  handOut(id: string): string | undefined {
    const message = this.waiting.find((one) => one.id === id);
    if (!message) return this.held.has(id) ? "it is held already" : "it does not wait";
    const first = this.#first((one) => one.level === message.level);
    if (first?.id !== id) return `${first?.id} of its level waits longer`;
    const highest = Math.min(...this.waiting.map((one) => one.level));
    const lowerWaits = this.waiting.some((one) => one.level > highest);
    if (message.level === highest) {
      this.#passedOver = lowerWaits ? this.#passedOver + 1 : 0;
      if (this.#passedOver >= AGING_PERIOD) return "lower ones were passed over 16 times";
    } else {
      const longest = this.#first((one) => one.level > highest);
      if (longest?.id !== id) return `${longest?.id} of a lower level waits longer`;
      if (this.#passedOver < AGING_PERIOD / 2)
        return `a higher one waits, and only ${this.#passedOver} were handed out before lower ones`;
      this.#passedOver = 0;
    }
    this.waiting.splice(this.waiting.indexOf(message), 1);
    this.held.set(id, message);
    return undefined;
  }

  acknowledge(id: string): void {
    this.held.delete(id);
    this.acknowledged++;
  }

  release(id: string): void {
    const message = this.held.get(id) as ModelMessage;
    this.held.delete(id);
    this.waiting.push(message);
  }

  retry(id: string): void {
    this.release(id);
    const message = this.waiting.at(-1) as ModelMessage;
    message.place = ++this.#place;
  }

  withdraw(id: string): void {
    this.waiting.splice(
      this.waiting.findIndex((one) => one.id === id),
      1,
    );
    this.withdrawn++;
  }

  /** Waiting messages in the order of hand-off, aging apart. */
  order(): string[] {
    return [...this.waiting].sort((a, b) => a.level - b.level || a.place - b.place).map((one) => one.id);
  }

  #first(of: (message: ModelMessage) => boolean): ModelMessage | undefined {
    return this.waiting.filter(of).sort((a, b) => a.place - b.place)[0];
  }
}
