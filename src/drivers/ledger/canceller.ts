import { randomBytes } from "node:crypto";
import type { CancelResult, CancelTarget } from "../../broker/broker.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { CancelledEnd } from "../../broker/settlement.ts";
import type { End } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import type { Delays } from "./delays.ts";
import type { Desk } from "./desk.ts";
import type { QueueEngine } from "./engine.ts";
import { changeSheet } from "./packed-sheet.ts";
import type { Picker } from "./picker.ts";
import { type HeldEntry, keyOf, pastOf, type Tomb } from "./rows.ts";
import { isMeant, type Named } from "./tombs.ts";

/** What cancelling needs around it. */
export interface CancellerOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly delays: Delays;
  readonly desk: Desk;
  readonly picker: Picker;
  /** A sheet was changed that another owns. */
  told(key: string): void;
}

type Selected = Exclude<CancelTarget, { readonly all: true }> & { readonly before?: string };

/**
 * Ends copies that nobody has, and tells the holders of the others. What it ends is written on the sheets of all
 * consumers first: whoever claims one of these copies later sees it, and whoever has claimed one is seen.
 */
export class Canceller {
  readonly #options: CancellerOptions;

  constructor(options: CancellerOptions) {
    this.#options = options;
  }

  async cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult> {
    return "all" in target ? this.#cancelAll(inbox, end) : this.cancelSelected(inbox, target, end);
  }

  /** `before`: only what is older than the message of that id. */
  async cancelSelected(inbox: string, target: Selected, end: CancelledEnd): Promise<CancelResult> {
    const { store, context, engine } = this.#options;
    const at = context.clock.now();
    const means = (named: Named): boolean => isMeant(target, named);
    let ended = await this.#endDelayed(inbox, means, end);
    const seen = ((await engine.look?.(inbox, Number.POSITIVE_INFINITY)) ?? []).flatMap(({ body, mark, head }) => {
      const message = this.#read(body);
      return message && means(message) ? { message, mark, past: pastOf(head) } : [];
    });
    const known = engine.look ? seen.map(({ message }) => message.id) : "id" in target ? [target.id] : undefined;
    const tomb: Tomb = known ? { ids: known, end, at } : { ...target, end, at };
    const key = keyOf("tombs", inbox, randomBytes(9).toString("base64url"));
    if (known?.length !== 0) await store.put(key, tomb);
    const held = await this.#mark(inbox, { means, end, tomb: known?.length === 0 ? undefined : tomb });
    if (!engine.remove || !engine.look) return { ended, held: held.size };
    for (const { message, mark, past } of seen) {
      if (held.has(message.id) || !(await engine.remove(inbox, mark))) continue;
      const record = { id: message.id, recipient: inbox, end, at, attempt: past?.a ?? 0, ...past?.o };
      await this.#options.desk.end(inbox, { record, message });
      ended++;
    }
    if (seen.length > 0) await store.delete(key);
    return { ended, held: held.size };
  }

  /** Ends one copy in its time, unless somebody has it. */
  async expire(inbox: string, { id, mark }: { readonly id: string; readonly mark: string }): Promise<void> {
    const { store, context, engine, desk } = this.#options;
    if (!engine.lookAt || !engine.remove) return;
    const seen = await engine.lookAt(inbox, mark);
    if (!seen) return;
    const at = context.clock.now();
    const tomb: Tomb = { ids: [id], end: "expired", at };
    const key = keyOf("tombs", inbox, id);
    await store.put(key, tomb);
    const held = await this.#mark(inbox, { means: (named) => named.id === id, end: undefined, tomb });
    if (!held.has(id) && (await engine.remove(inbox, mark))) {
      const past = pastOf(seen.head);
      const record = { id, recipient: inbox, end: "expired" as const, at, attempt: past?.a ?? 0, ...past?.o };
      const message = this.#read(seen.body);
      await desk.end(inbox, { record, ...(message ? { message } : {}) });
    }
    await store.delete(key);
  }

  async #cancelAll(inbox: string, end: CancelledEnd): Promise<CancelResult> {
    const { picker } = this.#options;
    let ended = await this.#endDelayed(inbox, () => true, end);
    const held = await this.#mark(inbox, { means: () => true, end, tomb: undefined });
    for (;;) {
      const count = await picker.endSome(inbox, end);
      if (count === 0) return { ended, held: held.size };
      ended += count;
    }
  }

  async #endDelayed(inbox: string, means: (named: Named) => boolean, end: End): Promise<number> {
    const { delays, context } = this.#options;
    let ended = 0;
    for (const { id, from, key } of await delays.list(inbox)) {
      const named = { id, from, ...(key === undefined ? {} : { key }) };
      if (means(named) && (await delays.end(inbox, id, { end, at: context.clock.now() }))) ended++;
    }
    return ended;
  }

  /** Writes it on all sheets of the inbox; the ids of what is held. */
  async #mark(
    inbox: string,
    { means, end, tomb }: { means: (named: Named) => boolean; end: CancelledEnd | undefined; tomb: Tomb | undefined },
  ): Promise<Set<string>> {
    const { store, told } = this.#options;
    const found = new Set<string>();
    await Promise.all(
      (await store.list(keyOf("sheets", inbox, ""))).map(async ({ key }) => {
        let held: string[] = [];
        const row = await changeSheet(store, key, (now) => {
          held = [];
          if (!now) return undefined;
          const next = now.held.map(([number, entry]) => {
            if (!means(namedOf(entry))) return [number, entry] as const;
            held.push(entry.i);
            return [number, end === undefined || entry.x ? entry : { ...entry, x: end }] as const;
          });
          if (held.length === 0 && (!now.consumes || !tomb)) return undefined;
          return { ...now, held: next, tombs: tomb ? [...now.tombs, tomb] : now.tombs };
        });
        for (const id of held) found.add(id);
        if (row) told(key);
      }),
    );
    return found;
  }

  #read(body: string | Uint8Array) {
    try {
      return this.#options.context.codec.decode(body);
    } catch {
      return undefined;
    }
  }
}

function namedOf({ i, k }: HeldEntry): Named {
  return { id: i, from: k?.[0] ?? "", ...(k ? { key: k[1] } : {}) };
}
