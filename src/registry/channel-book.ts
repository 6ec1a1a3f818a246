import type { InboxOverflow } from "../broker/inbox.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import { checkName } from "../message/name.ts";
import { compilePattern } from "../message/pattern.ts";
import type { Store } from "../store/store.ts";
import { type ChannelLimit, type ChannelRule, readRule } from "./channel-rule.ts";
import { type RecordBook, ruleKey } from "./record-book.ts";

/** That a channel or pattern exists: plain JSON, stored at `channels/<name>`. */
export interface ChannelRecord {
  readonly name: string;
  /** When it was declared or first subscribed to, in wall milliseconds. */
  readonly created: number;
  /** It stays until it is closed, also when nobody is subscribed. */
  readonly declared?: boolean;
  readonly description?: string;
}

/** How a channel is declared. */
export interface ChannelDeclaration {
  readonly description?: string;
  /**
   * Messages of the channel, or of all channels of the pattern together, that one subscriber's inbox holds at most,
   * waiting and held; 1 to 100,000, default: as many as the inbox holds. Those published from now on count.
   */
  readonly capacity?: number;
  /** What becomes of a copy over the capacity: it is dead-lettered with INBOX_FULL, or the oldest one makes room. Default `reject`. */
  readonly overflow?: InboxOverflow;
}

/** What a {@link ChannelBook} is built from. */
export interface ChannelBookOptions {
  readonly store: Pick<Store, "get" | "put" | "delete" | "list">;
  readonly clock: Clock;
  readonly book: Pick<RecordBook, "rewrite" | "rules">;
}

const PREFIX = "channels/";
/** Longer patterns make no key. They can be subscribed to, and are listed while somebody is. */
const LONGEST = 480;
const MOST_TARGETS = 1_000;
const MOST_CAPACITY = 100_000;

/** The channels that were used or declared, and where routes lead from them. */
export class ChannelBook {
  readonly #options: ChannelBookOptions;

  constructor(options: ChannelBookOptions) {
    this.#options = options;
  }

  /** Notes that channels are in use; one that is known is not written again. */
  async use(names: readonly string[]): Promise<void> {
    const created = this.#options.clock.now();
    const put = (name: string): Promise<unknown> =>
      this.#options.store.put(PREFIX + name, { name, created } satisfies ChannelRecord, { ifRevision: 0 });
    await Promise.all(names.filter((name) => name.length <= LONGEST).map(put));
  }

  /** Makes a channel known that stays until it is closed, as it is declared now. @throws PATTERN_INVALID, OUT_OF_RANGE, ARGUMENT_INVALID */
  async declare(name: string, { description, capacity, overflow }: ChannelDeclaration): Promise<void> {
    checkPattern(name);
    const limit = limitOf(capacity, overflow);
    const { store, clock } = this.#options;
    await this.#change(name, ({ targets }) => ({ name, targets, ...(limit ? { limit } : {}) }));
    for (;;) {
      const entry = await store.get(PREFIX + name);
      const created = readChannel(entry?.value)?.created ?? clock.now();
      const record: ChannelRecord = {
        name,
        created,
        declared: true,
        ...(description === undefined ? {} : { description }),
      };
      if ((await store.put(PREFIX + name, record, { ifRevision: entry?.revision ?? 0 })) !== undefined) return;
    }
  }

  /** Leads messages of a channel or pattern to the subscribers of others too. @throws PATTERN_INVALID, NAME_INVALID, LIMIT_EXCEEDED over 1,000 targets */
  async route(source: string, targets: readonly string[]): Promise<void> {
    checkPattern(source);
    for (const target of targets) checkName(target, "channel");
    await this.use([source]);
    await this.#change(source, (rule) => ({ ...rule, targets: [...new Set([...rule.targets, ...targets])] }));
  }

  /** Ends routes from a channel or pattern: those to the given targets, or all. Those that do not exist are no error. */
  async unroute(source: string, targets?: readonly string[]): Promise<void> {
    checkPattern(source);
    const stays = (target: string): boolean => targets?.includes(target) === false;
    await this.#change(source, (rule) => ({ ...rule, targets: rule.targets.filter(stays) }));
  }

  /** All channels that were used or declared. */
  async list(): Promise<ChannelRecord[]> {
    const entries = await this.#options.store.list(PREFIX);
    return entries.flatMap(({ value }) => readChannel(value) ?? []);
  }

  /** What senders know of channels, by name. */
  rules(): ReadonlyMap<string, ChannelRule> {
    return new Map(this.#options.book.rules().map((rule) => [rule.name, rule]));
  }

  /** Forgets a channel, its limit and the routes from it. */
  async remove(name: string): Promise<void> {
    await this.#change(name, () => ({ name, targets: [] }));
    await this.#options.store.delete(PREFIX + name);
  }

  async #change(name: string, change: (rule: ChannelRule) => ChannelRule): Promise<void> {
    await this.#options.book.rewrite(ruleKey(name), (value) => {
      const rule = change(readRule(value) ?? { name, targets: [] });
      const { length } = rule.targets;
      if (length > MOST_TARGETS) {
        throw new AgentwireError(
          "LIMIT_EXCEEDED",
          `Routes from "${name}" would lead to ${length} channels; at most ${MOST_TARGETS} are allowed`,
          { details: { channel: name, limit: MOST_TARGETS } },
        );
      }
      return length === 0 && rule.limit === undefined ? undefined : rule;
    });
  }
}

function limitOf(capacity: number | undefined, overflow: InboxOverflow | undefined): ChannelLimit | undefined {
  if (overflow !== undefined && overflow !== "reject" && overflow !== "drop-oldest")
    throw new AgentwireError("OUT_OF_RANGE", 'overflow must be "reject" or "drop-oldest"');
  if (capacity === undefined) {
    if (overflow === undefined) return undefined;
    throw new AgentwireError("ARGUMENT_INVALID", "`overflow` says what is done over a `capacity`: give one");
  }
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= MOST_CAPACITY)
    return { capacity, overflow: overflow ?? "reject" };
  throw new AgentwireError("OUT_OF_RANGE", `capacity must be a whole number from 1 to ${MOST_CAPACITY}`);
}

function checkPattern(name: string): void {
  compilePattern(name);
  if (name.length > LONGEST) {
    throw new AgentwireError(
      "PATTERN_INVALID",
      `A channel that is declared or routed has at most ${LONGEST} characters`,
    );
  }
}

/** A stored channel; undefined for a value that is none, which another program may have written. */
function readChannel(value: unknown): ChannelRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as ChannelRecord;
  return typeof record.name === "string" && typeof record.created === "number" ? record : undefined;
}
