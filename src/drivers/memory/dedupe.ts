import type { Deduplication, PublishedCopy } from "../../broker/publication.ts";

/** What is remembered of the first send under a key. */
export interface FirstSend {
  readonly id: string;
  readonly fingerprint: string;
  readonly copies: readonly PublishedCopy[];
  readonly until: number;
}

const MOST_KEYS = 100_000;

/** Keys of sends within their window, the last 100,000 at most, so that memory stays flat. */
export class RecentKeys {
  readonly #first = new Map<string, FirstSend>();

  /** The first send of this sender under this key, if the window is still open. */
  get(sender: string, dedupe: Deduplication, now: number): FirstSend | undefined {
    const first = this.#first.get(scoped(sender, dedupe));
    return first && first.until > now ? first : undefined;
  }

  add(
    sender: string,
    dedupe: Deduplication,
    send: { readonly id: string; readonly copies: readonly PublishedCopy[]; readonly now: number },
  ): void {
    const key = scoped(sender, dedupe);
    // Deleted first, so that the newest is always last.
    this.#first.delete(key);
    this.#first.set(key, {
      id: send.id,
      fingerprint: dedupe.fingerprint,
      copies: send.copies,
      until: send.now + dedupe.window,
    });
    let looked = 0;
    for (const [oldest, first] of this.#first) {
      if (this.#first.size > MOST_KEYS || first.until <= send.now) this.#first.delete(oldest);
      if (++looked === 2) break;
    }
  }
}

const scoped = (sender: string, dedupe: Deduplication): string => `${sender}\0${dedupe.key}`;
