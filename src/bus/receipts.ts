import type { Broker } from "../broker/broker.ts";
import type { Waiting } from "../broker/inbox.ts";
import { receiptsIn } from "../broker/packed-receipts.ts";
import { RECEIPT_SIGNAL, receiptLog } from "../broker/receipt-log.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";
import { parseDuration } from "../message/duration.ts";
import { timeOfId } from "../message/id.ts";
import type { End, ReceiptRecord } from "../message/receipt-record.ts";
import type { Store } from "../store/store.ts";
import type { ReceiptSource, ReceiptState, ReceiptStep, SettledOptions } from "./receipt.ts";

/** Without any news a follower looks at the log itself this often, in milliseconds. */
const SLOW_LOOK = 30_000;

interface Follower {
  readonly id: string;
  check(): void;
}

/** What {@link Receipts} is built from. */
export interface ReceiptsOptions {
  readonly broker: Pick<Broker, "find" | "onSignal">;
  readonly store: Pick<Store, "read">;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** Follows messages to their ends, from this process and others: records of ends come by signal, and from the log when one was missed. */
export class Receipts implements ReceiptSource {
  readonly #broker: Pick<Broker, "find" | "onSignal">;
  readonly #store: Pick<Store, "read">;
  readonly #clock: Clock;
  readonly #keepAlive: KeepAlive;
  readonly #followers = new Map<string, Set<Follower>>();
  #stopListening: (() => void) | undefined;
  #slowLook: Timer | undefined;
  #closed = false;

  constructor(options: ReceiptsOptions) {
    this.#broker = options.broker;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#keepAlive = options.keepAlive;
  }

  /** Where the message stands now; undefined when nothing is known of it. */
  async get(id: string): Promise<ReceiptState | undefined> {
    const waiting = await this.#broker.find(id);
    const records = await this.#records(id);
    return waiting.length + records.size === 0 ? undefined : state(id, records, waiting);
  }

  /** The steps of a message that another sender, or another process, has sent; ends at once when nothing is known of it. */
  async *watch(id: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ReceiptStep> {
    const known = await this.get(id);
    if (!known) return;
    yield* this.steps(id, [...new Set(known.steps.map((step) => step.recipient))], options.signal);
  }

  async settled(id: string, recipients: readonly string[], options: SettledOptions): Promise<ReceiptState> {
    const timeout =
      options.timeout === undefined ? undefined : parseDuration(options.timeout, { name: "timeout", min: 0 });
    if (recipients.length === 0) return { id, settled: true, ends: {}, steps: [] };
    const changes = this.#follow(id);
    const gaveUp = this.#givingUp(id, timeout, options.signal);
    try {
      for (;;) {
        const changed = changes.next();
        const records = await this.#records(id);
        if (recipients.every((recipient) => records.has(recipient))) return state(id, records, []);
        await Promise.race([changed, gaveUp.promise]);
      }
    } finally {
      changes.stop();
      gaveUp.stop();
    }
  }

  async *steps(
    id: string,
    recipients: readonly string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReceiptStep> {
    const changes = this.#follow(id);
    const gaveUp = this.#givingUp(id, undefined, signal);
    const told = new Set<string>();
    try {
      for (;;) {
        const changed = changes.next();
        const waiting = await this.#broker.find(id);
        const records = await this.#records(id);
        for (const step of state(id, records, waiting).steps) {
          const key = `${step.recipient} ${step.step} ${step.attempt ?? ""}`;
          if (told.has(key)) continue;
          told.add(key);
          yield step;
        }
        if (recipients.every((recipient) => records.has(recipient))) return;
        await Promise.race([changed, gaveUp.promise]);
      }
    } finally {
      changes.stop();
      gaveUp.stop();
    }
  }

  /** Ends every wait with CLOSED. */
  close(): void {
    this.#closed = true;
    this.#stopListening?.();
    this.#slowLook?.cancel();
    this.#checkAll();
  }

  async #records(id: string): Promise<Map<string, ReceiptRecord>> {
    if (this.#closed) throw new AgentwireError("CLOSED", `The bus was closed while message ${id} was being followed`);
    const found = new Map<string, ReceiptRecord>();
    const log = receiptLog(id);
    for (let after = 0; ; ) {
      const entries = await this.#store.read(log, { after, limit: 10_000 });
      for (const entry of entries) {
        for (const record of receiptsIn(entry.value)) {
          if (record.id === id && !found.has(record.recipient)) found.set(record.recipient, record);
        }
        after = entry.position;
      }
      if (entries.length < 10_000) return found;
    }
  }

  #follow(id: string): { next(): Promise<void>; stop(): void } {
    let wake: () => void = () => {};
    const follower: Follower = { id, check: () => wake() };
    let set = this.#followers.get(id);
    if (!set) this.#followers.set(id, (set = new Set()));
    set.add(follower);
    this.#listen();
    return {
      next: () => new Promise<void>((resolve) => (wake = resolve)),
      stop: () => {
        set.delete(follower);
        if (set.size === 0) this.#followers.delete(id);
        if (this.#followers.size === 0) this.#unlisten();
      },
    };
  }

  #givingUp(
    id: string,
    timeout: number | undefined,
    signal: AbortSignal | undefined,
  ): { promise: Promise<never>; stop(): void } {
    let fail: (error: AgentwireError) => void = () => {};
    const promise = new Promise<never>((_, reject) => (fail = reject));
    promise.catch(() => {});
    const aborted = (): void => fail(new AgentwireError("ABORTED", `Following message ${id} was ended by the caller`));
    if (signal?.aborted) aborted();
    signal?.addEventListener("abort", aborted, { once: true });
    const timer =
      timeout === undefined
        ? undefined
        : this.#clock.after(timeout, () =>
            fail(
              new AgentwireError("TIMEOUT", `Message ${id} was not settled within ${timeout} ms`, {
                details: { id, timeout },
              }),
            ),
          );
    return {
      promise,
      stop: () => {
        timer?.cancel();
        signal?.removeEventListener("abort", aborted);
      },
    };
  }

  #listen(): void {
    if (this.#stopListening || this.#closed) return;
    this.#keepAlive.hold();
    this.#stopListening = this.#broker.onSignal(
      RECEIPT_SIGNAL,
      (data) => {
        for (const record of data as ReceiptRecord[]) {
          for (const follower of this.#followers.get(record.id) ?? []) follower.check();
        }
      },
      () => this.#checkAll(),
    );
    this.#lookSlowly();
  }

  #lookSlowly(): void {
    this.#slowLook = this.#clock.after(SLOW_LOOK, () => {
      this.#checkAll();
      this.#lookSlowly();
    });
  }

  #checkAll(): void {
    for (const followers of this.#followers.values()) for (const follower of followers) follower.check();
  }

  #unlisten(): void {
    if (!this.#stopListening) return;
    this.#keepAlive.release();
    this.#stopListening();
    this.#stopListening = undefined;
    this.#slowLook?.cancel();
  }
}

/** Folds what is known of a message into its ladder. */
function state(id: string, records: ReadonlyMap<string, ReceiptRecord>, waiting: readonly Waiting[]): ReceiptState {
  const acceptedAt = timeOfId(id);
  const steps: ReceiptStep[] = [];
  const ends: Record<string, End> = {};
  for (const copy of waiting) {
    if (records.has(copy.inbox)) continue;
    steps.push({ step: "accepted", recipient: copy.inbox, at: acceptedAt });
    if (copy.state === "delayed")
      steps.push({ step: "queued", recipient: copy.inbox, at: acceptedAt, attempt: copy.attempt });
    if (copy.offeredAt !== undefined) {
      steps.push({
        step: "offered",
        recipient: copy.inbox,
        at: copy.offeredAt,
        attempt: copy.attempt,
        ...(copy.instance === undefined ? {} : { instance: copy.instance }),
      });
    }
  }
  for (const record of records.values()) {
    const { recipient, attempt } = record;
    const held = record.instance === undefined ? {} : { instance: record.instance };
    ends[recipient] = record.end;
    steps.push({ step: "accepted", recipient, at: acceptedAt });
    if (record.offeredAt !== undefined)
      steps.push({ step: "offered", recipient, at: record.offeredAt, attempt, ...held });
    steps.push({
      step: record.end,
      recipient,
      at: record.at,
      attempt,
      ...held,
      ...(record.reason === undefined ? {} : { reason: record.reason }),
      ...(record.reply === undefined ? {} : { reply: record.reply }),
    });
  }
  steps.sort((a, b) => a.at - b.at);
  const waits = waiting.some((copy) => !records.has(copy.inbox));
  return { id, settled: records.size > 0 && !waits, ends, steps };
}
