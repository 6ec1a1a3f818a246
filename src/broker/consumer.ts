import type { Envelope } from "../message/envelope.ts";
import type { FailedAttempt } from "../message/receipt-record.ts";
import type { CancelledEnd, Settlement, SettleResult } from "./settlement.ts";

/** One attempt to hand one message to one holder. */
export interface Delivery {
  readonly message: Envelope;
  readonly inbox: string;
  /** 1 for the first hand-off. */
  readonly attempt: number;
  /** An earlier hand-off ended without being settled, or may have. */
  readonly redelivered: boolean;
  /** Failed attempts so far, oldest first. */
  readonly failures: readonly FailedAttempt[];
  /** When it was leased, in wall milliseconds. */
  readonly offeredAt: number;
  /**
   * When the lease ends, as it was last made longer: in monotonic milliseconds, as wall time may jump; undefined where it
   * does not end by itself. Past it another may have the copy, unless an `extend` says that it is still the holder's.
   */
  readonly leaseEnds: number | undefined;

  /**
   * Gives the delivery up. Resolves when its record is durable. Only the holder of the lease may settle. Where
   * the engine is out of reach it fails, rather than wait for one that is gone; the holder may then settle again, in the
   * same way, and what had been decided counts.
   * May return at once where nothing has to be waited for.
   */
  settle(settlement: Settlement): Promise<SettleResult> | SettleResult;

  /** Keeps the lease for `lease` milliseconds from now; false if it was lost. */
  extend(lease: number): Promise<boolean>;
}

/** Why a consumer may no longer work on a delivery. */
export type Revocation = CancelledEnd | "lease-lost";

/** How deliveries are taken from an inbox. */
export interface ConsumeOptions {
  /** Name of the holder, for records and for people. */
  readonly instance: string;
  /** How long a delivery belongs to the holder, in milliseconds. */
  readonly lease: number;
  /** Leases are renewed by themselves while this process's event loop lives. */
  readonly renew: boolean;
  /** Only messages of these types; absent: all. Needs the capability `selective`. */
  readonly types?: readonly string[];
  /** All but messages of these types. Needs the capability `selective`. */
  readonly exceptTypes?: readonly string[];
  /**
   * Only one consumer of the inbox is active, the others stand by; all its consumers must ask for it. Who takes over is
   * handed what the one before held first, in its old order. Order keys rest on this: the agent keeps their order among what it is handed.
   */
  readonly exclusive?: boolean;
  /**
   * Deliveries held and asked for together never exceed this, 1 or more. For engines that push: so many may be on their
   * way to this process at once; what is not credited yet is held back there. Others do not need it. Absent: unknown.
   */
  readonly window?: number;
  /** Called with one or more deliveries, at most as many as the credit. Must not throw. */
  onDeliveries(deliveries: readonly Delivery[]): void;
  /** The delivery was superseded, withdrawn or dropped meanwhile, or its lease was lost. Must not throw. */
  onRevoked?(delivery: Delivery, why: Revocation): void;
}

/** A running consumer. */
export interface Consumer {
  /**
   * Asks for so many deliveries from now on, in place of what is left of an earlier credit; each delivery uses one.
   * 0 pauses: once it has returned, nothing is handed out. What a driver had claimed beyond a credit that fell is given
   * back as a release would, before `tried` resolves for whoever waits for it.
   */
  credit(deliveries: number): void;
  /** Resolves once whatever waited when it was called has been handed out, as far as the credit goes: afterwards, silence means an empty inbox. */
  tried(): Promise<void>;
  /** Stops deliveries; what is held stays held until settled, or is released at once with `release`. Resolves when that is durable. */
  close(options?: { readonly release?: boolean }): Promise<void>;
}
