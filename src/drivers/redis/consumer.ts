import { randomBytes } from "node:crypto";
import type { ConsumeOptions, Consumer, Revocation } from "../../broker/consumer.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import type { SettleResult } from "../../broker/settlement.ts";
import { AgentwireError } from "../../errors.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { DeadLetter, StoredForm } from "../../message/receipt-record.ts";
import { isBinary, partsOf, pastIn } from "./copy.ts";
import { type Holder, RedisDelivery } from "./delivery.ts";
import type { HandedOver } from "./handed-over.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import type { CallScript, Session } from "./session.ts";

/** What a consumer needs around it. */
export interface ConsumerOptions {
  readonly session: Session;
  readonly desk: SettleDesk<RedisDelivery>;
  /** It holds something whose lease has to be renewed. */
  holds(consumer: RedisConsumer): void;
  onClose(consumer: RedisConsumer): void;
}

/** A claim hands out at most so many, so that the server is not kept for long. */
const MOST_AT_ONCE = 256;
const RAW_KEPT = 64 * 1024;
const PAUSE_AFTER_FAULT = 200;

/** Takes deliveries of one inbox. */
export class RedisConsumer implements Consumer, Holder {
  readonly id = randomBytes(9).toString("base64url");
  readonly inbox: string;
  readonly options: ConsumeOptions;
  readonly held = new Map<string, RedisDelivery>();
  /** Until when its lease covers what it holds, in monotonic milliseconds. */
  until = 0;
  readonly #around: ConsumerOptions;
  readonly #filter: string;
  #credit = 0;
  /** All that it could take was taken, and the server tells when there is more. */
  #isDry = false;
  /** More may come with its wake-up, until the server says that it has to look for itself; before that it does not. */
  #isFed = false;
  /** It looks when it wants something, and what it did not ask for should stay where others can take it. */
  #isPulling = false;
  /** It was fed more than it has credit for. What comes after that goes back too, so that the order holds. */
  #isFull = false;
  /** Hand-offs up to this token are known to the server as unheard of. */
  #unheard = 0;
  readonly #news: (HandedOver | "look")[] = [];
  #claims = 0;
  #claiming: Promise<void> | undefined;
  #scheduled = false;
  #isClosing = false;
  #leaving: Promise<void> | undefined;
  /** Since when a suspect waits until nothing else is held, in monotonic milliseconds. */
  #passesSince: number | undefined;
  /** It could not take the last time, and has said so. */
  #isFaulty = false;
  /** A claim may have been made whose answer was never heard. */
  #isUnsure = false;

  constructor(inbox: string, options: ConsumeOptions, around: ConsumerOptions) {
    const { types, exceptTypes } = options;
    this.inbox = inbox;
    this.options = options;
    this.#around = around;
    this.#filter =
      types === undefined && exceptTypes === undefined
        ? ""
        : JSON.stringify({ types: types ?? exceptTypes, only: types !== undefined });
  }

  get instance(): string {
    return this.options.instance;
  }

  /** As the scripts know it. */
  get about(): string {
    const { exclusive, instance } = this.options;
    return `${this.#around.session.peer}|${exclusive ? 1 : 0}|${instance}`;
  }

  /** Enters it into the books of its inbox, as the successor of the dead there; false if there is no such inbox. */
  async enter(): Promise<boolean> {
    const { session } = this.#around;
    const args = [session.peer, this.inbox, this.id, this.about];
    const others = await session.run(SCRIPTS.consume, args, { what: `Consuming the inbox "${this.inbox}"` });
    if (others === null) return false;
    // Before it takes anything: what the dead held comes first.
    await session.succeed(others as string[]);
    return true;
  }

  credit(deliveries: number): void {
    if (this.#isClosing) return;
    this.#credit = deliveries;
    if (deliveries > 0) this.#schedule();
    // What comes until the server knows goes back.
    else if (this.#isFed) this.wake();
  }

  async tried(): Promise<void> {
    this.#isPulling = true;
    for (;;) {
      await this.#claiming;
      // Whoever waits for the connection waits until it is known what is held.
      if (this.#isUnsure) await this.#around.session.ask(["PING"], this.#what);
      if (this.#credit <= 0 || this.#isClosing) return;
      if (this.#isFed) await this.#unwait();
      else {
        this.#isDry = false;
        await this.#claim();
        if (this.#isDry) return;
      }
    }
  }

  async close({ release = false }: { readonly release?: boolean } = {}): Promise<void> {
    this.#isClosing = true;
    this.#credit = 0;
    await this.#claiming;
    if (!release && this.held.size > 0) return;
    // What was decided counts, though nobody waits for its answer.
    await Promise.allSettled([...this.held.values()].map(({ settling }) => settling));
    for (const delivery of this.held.values()) delivery.isLost = true;
    this.held.clear();
    await this.#leave();
  }

  /** There may be something to take of which nobody tells. */
  wake(): void {
    if (this.#isFed) return void this.#unwait().catch(() => {});
    this.#isDry = false;
    this.#schedule();
  }

  /** The server has handed something out, or says that there is something to look for. */
  told(news: HandedOver | "look"): void {
    this.#news.push(news);
    // It was told over another connection than the answer of a claim that is under way, and comes after that.
    if (!this.#claiming) void this.#busy(() => this.#hear());
  }

  /** A delivery is over. */
  drop(delivery: RedisDelivery): void {
    if (this.held.get(delivery.message.id) !== delivery) return;
    this.held.delete(delivery.message.id);
    if (this.held.size > 0) return;
    const isAwaited = delivery.isSuspect || this.#passesSince !== undefined;
    this.#passesSince = undefined;
    if (isAwaited) this.wake();
    if (this.#isClosing) void this.#leave().catch(() => {});
    else this.#schedule();
  }

  /** A delivery was taken from it, or should end. */
  revoke(id: string, token: string, why: Revocation): void {
    const delivery = this.held.get(id);
    if (delivery?.token !== token) return;
    if (why === "lease-lost" || why === "dropped") {
      delivery.isLost = true;
      this.drop(delivery);
    }
    this.options.onRevoked?.(delivery, why);
  }

  /** Compares what it holds with what the server has for it, and gives back what it never heard of. */
  async compare(call: CallScript): Promise<void> {
    const what = this.#what;
    const pairs = (await call(SCRIPTS.held, [this.inbox, this.id], { what })) as string[];
    this.#isFed = false;
    this.#isFull = false;
    const there = new Map<string, string>();
    for (let at = 0; at < pairs.length; at += 2) there.set(pairs[at] as string, String(pairs[at + 1]));
    for (const delivery of [...this.held.values()]) {
      const { id } = delivery.message;
      if (there.get(id) !== delivery.token && !delivery.isUncertain) this.revoke(id, delivery.token, "lease-lost");
    }
    this.#unheard = Math.max(0, ...[...there.values()].map(Number));
    const unknown = [...there].filter(([id, token]) => this.held.get(id)?.token !== token);
    if (unknown.length > 0) {
      const { peer } = this.#around.session;
      const items = unknown.flatMap(([id, token]) => [this.inbox, this.id, token, id, "release", "o", "", "", ""]);
      await call(SCRIPTS.settle, [peer, "", String(unknown.length), ...items, "0", "0"], { what });
    }
    this.#isUnsure = false;
    this.wake();
  }

  #schedule(): void {
    if (this.#scheduled || this.#claiming || this.#credit <= 0 || this.#isDry || this.#isClosing || this.#isUnsure)
      return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#credit > 0 && !this.#isDry) void this.#claim();
    });
  }

  get #what(): string {
    return `Looking into the inbox "${this.inbox}"`;
  }

  #claim(): Promise<void> {
    return this.#busy(async () => {
      if (!this.#isFed) await this.#take();
      await this.#hear();
    });
  }

  #busy(work: () => Promise<void>): Promise<void> {
    this.#claiming ??= work().finally(() => {
      this.#claiming = undefined;
      if (this.#news.length > 0) void this.#busy(() => this.#hear());
      else this.#schedule();
    });
    return this.#claiming;
  }

  async #hear(): Promise<void> {
    for (let news = this.#news.shift(); news !== undefined; news = this.#news.shift()) {
      if (news === "look") this.#lookAgain();
      else await this.#takeOver(news);
    }
  }

  async #takeOver({ at, begins, isLast, copies }: HandedOver): Promise<void> {
    // Of what was told before the connection was lost some may not have come; the server has it back.
    if (this.#isUnsure || this.#leaving || Number(copies[1]) <= this.#unheard) return;
    const { lease, renew } = this.options;
    const until = this.#around.session.momentOf(at) + lease;
    if (begins) this.until = Math.max(this.until, until);
    const given = this.#handOver(copies, { offeredAt: at, until: renew ? undefined : until });
    if (isLast) this.#lookAgain();
    await given;
  }

  #lookAgain(): void {
    this.#isFed = false;
    this.#isFull = false;
    this.#isDry = false;
  }

  /** Has the server tell of no more, so that it can look for itself. */
  async #unwait(): Promise<void> {
    const { session } = this.#around;
    const claims = this.#claims;
    const call = { what: this.#what };
    try {
      await session.run(SCRIPTS.unwait, [this.inbox, this.id], call);
      await session.heard(call.what);
    } catch (error) {
      // With the next connection all is looked at.
      if (AgentwireError.is(error, "INDETERMINATE")) return;
      throw error;
    }
    if (claims === this.#claims) this.told("look");
  }

  #holdsSuspect(): boolean {
    if (this.held.size !== 1) return false;
    const [only] = this.held.values();
    return (only as RedisDelivery).isSuspect;
  }

  async #take(): Promise<void> {
    const { session } = this.#around;
    const { clock, codec } = session.context;
    if (this.#holdsSuspect()) {
      this.#isDry = true;
      return;
    }
    const { lease, renew } = this.options;
    const asked = Math.min(this.#credit, MOST_AT_ONCE);
    const bytes = isBinary(codec);
    // What comes with a wake-up comes as text, and unseen.
    const isFeedable = !bytes && this.#filter === "" && !this.#isPulling;
    const began = clock.monotonic();
    const isCovered = renew && this.until - began > (lease * 2) / 3;
    const args = [
      ...[session.peer, this.inbox, this.id, this.about, String(asked), String(lease)],
      ...[renew ? (isCovered ? "c" : "C") : "", String(this.held.size), this.#mayPass(began) ? "1" : "", this.#filter],
      isFeedable ? "1" : "",
    ];
    let answer: unknown[];
    // Set before, so that a wake-up on its way is not lost.
    this.#isDry = true;
    this.#claims++;
    try {
      const call = { what: `Taking from the inbox "${this.inbox}"`, bytes };
      answer = (await session.run(SCRIPTS.claim, args, call)) as unknown[];
    } catch (error) {
      this.#isDry = false;
      if (AgentwireError.is(error, "INDETERMINATE")) this.#isUnsure = true;
      else if (!AgentwireError.is(error, "CLOSED")) {
        this.#tellFault(error as AgentwireError);
        await new Promise<void>((resolve) => clock.after(PAUSE_AFTER_FAULT, resolve));
      }
      return;
    }
    this.#isFaulty = false;
    const [now, flag, ...rest] = answer as [number, string | Buffer, ...(string | Buffer)[]];
    if (rest.length > 0 && renew && !isCovered) this.until = began + lease;
    if (String(flag) === "suspect") this.#passesSince ??= began;
    const wasWoken = !this.#isDry;
    this.#isDry = rest.length / 4 < asked;
    this.#isFed = this.#isDry && isFeedable && String(flag) !== "gone";
    if (wasWoken) this.wake();
    await this.#handOver(rest, { offeredAt: now, until: renew ? undefined : began + lease });
  }

  /** Once, until it has taken again. */
  #tellFault({ code, message }: AgentwireError): void {
    if (this.#isFaulty) return;
    this.#isFaulty = true;
    this.#around.session.report({ type: "driver.fault", message, details: { code, inbox: this.inbox } });
  }

  /** Whether others may be taken while a suspect's turn has come: for a lease, in which there may be a moment without any. */
  #mayPass(monotonic: number): boolean {
    // The order of what an exclusive consumer takes is its inbox's.
    if (this.options.exclusive) return false;
    return this.#passesSince === undefined || monotonic - this.#passesSince < this.options.lease;
  }

  async #handOver(
    rest: readonly (string | Buffer)[],
    { offeredAt, until }: { readonly offeredAt: number; readonly until: number | undefined },
  ): Promise<void> {
    const { session, desk } = this.#around;
    const deliveries: RedisDelivery[] = [];
    const back: Promise<unknown>[] = [];
    for (let at = 0; at < rest.length; at += 4) {
      const [id, token, record, past] = rest.slice(at, at + 4) as [
        string | Buffer,
        unknown,
        string | Buffer,
        string | Buffer,
      ];
      const { rare, body, type } = partsOf(record);
      const facts = { holder: this, desk, token: String(token), past: pastIn(past), rare, offeredAt, until };
      let message: Envelope;
      try {
        message = session.context.codec.decode(body);
      } catch (error) {
        const unread = new RedisDelivery({ id: String(id), type } as Envelope, facts);
        back.push(this.#quarantine(unread, body, error));
        continue;
      }
      const delivery = new RedisDelivery(message, facts);
      if (deliveries.length < this.#credit && !this.#isFull && !this.#isClosing) deliveries.push(delivery);
      else {
        this.#isFull = this.#isFed;
        back.push(delivery.settle({ outcome: "release" }));
      }
    }
    if (deliveries.length > 0) {
      this.#credit -= deliveries.length;
      for (const delivery of deliveries) this.held.set(delivery.message.id, delivery);
      if (this.options.renew) this.#around.holds(this);
      this.options.onDeliveries(deliveries);
    }
    if (back.length > 0) await Promise.allSettled(back);
  }

  /** What cannot be read goes to the dead letters, so that the others go on. */
  #quarantine(delivery: RedisDelivery, body: string | Uint8Array, error: unknown): Promise<SettleResult> {
    const { session } = this.#around;
    const { id } = delivery.message;
    const code = AgentwireError.is(error) ? error.code : "DECODE_FAILED";
    const reason = AgentwireError.is(error) ? error.message : "The stored message cannot be read";
    const at = session.context.clock.now();
    // What a newer release wrote is whole, and can be sent again by one.
    const raw = storedForm(body, code === "VERSION_UNSUPPORTED" ? Number.POSITIVE_INFINITY : RAW_KEPT);
    const letter = {
      message: delivery.message,
      raw,
      recipient: this.inbox,
      code,
      reason,
      at,
      attempts: delivery.failures,
    };
    session.report({
      type: "driver.quarantined",
      message: `Message ${id} in the inbox of "${this.inbox}" cannot be read (${code}); it is among the dead letters`,
      details: { inbox: this.inbox, id, code },
    });
    return delivery.settle({
      outcome: "end",
      record: { id, recipient: this.inbox, end: "dead-lettered", at, attempt: delivery.attempt - 1, reason: code },
      deadLetter: letter as DeadLetter<Envelope>,
    });
  }

  #leave(): Promise<void> {
    if (this.#leaving) return this.#leaving;
    const { session, onClose } = this.#around;
    onClose(this);
    const call = { what: `Closing a consumer of the inbox "${this.inbox}"` };
    this.#leaving = session.run(SCRIPTS.leave, [session.peer, this.inbox, this.id], call).then(() => {});
    return this.#leaving;
  }
}

/** A stored body that cannot be read, for people and for a release that can. */
function storedForm(body: string | Uint8Array, most: number): StoredForm {
  if (typeof body === "string") return { text: body.slice(0, most) };
  return { base64: Buffer.from(body.subarray(0, most)).toString("base64") };
}
