import type { Clock } from "../internal/clock.ts";
import type { Budget } from "../message/envelope.ts";
import type { Store } from "../store/store.ts";
import type { Refusal } from "./guard-rails.ts";

/** How long an unused pool is remembered, in milliseconds. */
const POOL_LIFE = 7 * 24 * 60 * 60 * 1000;
/** Messages taken from a pool at once, while it holds many more. */
const BATCH = 32;

interface Used {
  readonly messages: number;
  readonly tokens: number;
  readonly cost: number;
}

const NOTHING: Used = { messages: 0, tokens: 0, cost: 0 };

/** The pools of conversations that were given a budget, shared by all processes through the store. */
export class Budgets {
  readonly #store: Pick<Store, "get" | "put">;
  readonly #clock: Clock;
  /** Messages already debited for this process, by conversation. */
  readonly #inHand = new Map<string, number>();

  constructor(store: Pick<Store, "get" | "put">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Debits one message; answers why it may not be sent, if the pool is empty. */
  async message(conversation: string, budget: Budget): Promise<Refusal | undefined> {
    if (budget.deadline !== undefined && this.#clock.now() > budget.deadline) return spent("deadline");
    const inHand = this.#inHand.get(conversation) ?? 0;
    if (inHand > 0) {
      this.#inHand.set(conversation, inHand - 1);
      return undefined;
    }
    if (budget.messages === undefined && budget.tokens === undefined && budget.cost === undefined) return undefined;
    let taken = 1;
    const over = await this.#update(conversation, (used) => {
      if (budget.tokens !== undefined && used.tokens >= budget.tokens) return "tokens";
      if (budget.cost !== undefined && used.cost >= budget.cost) return "cost";
      if (budget.messages === undefined) return used;
      const left = budget.messages - used.messages;
      if (left < 1) return "messages";
      // Far from the end a batch spares the store; near it each one counts, since another process may need it.
      taken = left > BATCH * 16 && budget.tokens === undefined && budget.cost === undefined ? BATCH : 1;
      return { ...used, messages: used.messages + taken };
    });
    if (over !== undefined) return spent(over);
    if (taken > 1) this.#inHand.set(conversation, taken - 1);
    return undefined;
  }

  /** Debits tokens and cost that a handler has used. */
  async spend(conversation: string, amount: { readonly tokens?: number; readonly cost?: number }): Promise<void> {
    await this.#update(conversation, (used) => ({
      ...used,
      tokens: used.tokens + (amount.tokens ?? 0),
      cost: used.cost + (amount.cost ?? 0),
    }));
  }

  async #update(conversation: string, change: (used: Used) => Used | string): Promise<string | undefined> {
    const key = `budget/${Buffer.from(conversation).toString("base64url")}`;
    for (;;) {
      const entry = await this.#store.get(key);
      const used = (entry?.value as Used | undefined) ?? NOTHING;
      const next = change(used);
      if (typeof next === "string") return next;
      if (next === used) return undefined;
      if ((await this.#store.put(key, next, { ifRevision: entry?.revision ?? 0, ttl: POOL_LIFE })) !== undefined)
        return undefined;
    }
  }
}

function spent(what: string): Refusal {
  return { code: "BUDGET_SPENT", reason: `The conversation's budget has no ${what} left` };
}
