import type { PublishedCopy } from "../broker/publication.ts";
import type { Duration } from "../message/duration.ts";
import type { End } from "../message/receipt-record.ts";

/** A rung of the ladder that a recipient's copy climbs. */
export type StepName = "accepted" | "queued" | "offered" | End;

/** One step of one recipient's copy. */
export interface ReceiptStep {
  readonly step: StepName;
  readonly recipient: string;
  /** Wall milliseconds. */
  readonly at: number;
  /** The instance that held or ended it. */
  readonly instance?: string;
  /** Hand-offs so far. */
  readonly attempt?: number;
  /** An error code or the handler's own reason. */
  readonly reason?: string;
  /** The handler's reply, where nobody awaited one. */
  readonly reply?: unknown;
}

/** Where a message stands: all steps so far, and whether every copy has ended. */
export interface ReceiptState {
  readonly id: string;
  readonly settled: boolean;
  /** How each recipient's copy ended, by recipient; those still waiting are left out. */
  readonly ends: Readonly<Record<string, End>>;
  /** All steps known, by time. */
  readonly steps: readonly ReceiptStep[];
}

/** Options of {@link Receipt.settled}. */
export interface SettledOptions {
  /** Default: wait for ever. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

/** What a send resolves with: the message is durable for every recipient named here. */
export interface Receipt {
  readonly id: string;
  /** The agents whose inboxes hold a copy; empty when a publish found no subscriber. */
  readonly recipients: readonly string[];
  /** The idempotency key had been used: nothing was stored, this is the first receipt. */
  readonly duplicate: boolean;
  /** Resolves when every copy has ended. @throws TIMEOUT, ABORTED, CLOSED */
  settled(options?: SettledOptions): Promise<ReceiptState>;
  /** The steps as they happen, those of the past first; ends when every copy has ended. */
  steps(options?: { readonly signal?: AbortSignal }): AsyncIterable<ReceiptStep>;
}

/** What a receipt needs to follow its message. */
export interface ReceiptSource {
  settled(id: string, recipients: readonly string[], options: SettledOptions): Promise<ReceiptState>;
  steps(id: string, recipients: readonly string[], signal: AbortSignal | undefined): AsyncIterable<ReceiptStep>;
}

/** A receipt that asks its source only when it is followed. */
export class SentReceipt implements Receipt {
  readonly id: string;
  readonly duplicate: boolean;
  readonly #copies: readonly PublishedCopy[];
  readonly #source: ReceiptSource;
  #recipients: readonly string[] | undefined;

  constructor(id: string, copies: readonly PublishedCopy[], duplicate: boolean, source: ReceiptSource) {
    this.id = id;
    this.duplicate = duplicate;
    this.#copies = copies;
    this.#source = source;
  }

  get recipients(): readonly string[] {
    this.#recipients ??= this.#copies.map((copy) => copy.inbox);
    return this.#recipients;
  }

  settled(options: SettledOptions = {}): Promise<ReceiptState> {
    return this.#source.settled(this.id, this.recipients, options);
  }

  steps(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<ReceiptStep> {
    return this.#source.steps(this.id, this.recipients, options.signal);
  }
}
