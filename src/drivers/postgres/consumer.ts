import type { ConsumeOptions, Consumer, Revocation } from "../../broker/consumer.ts";
import type { DriverContext } from "../../broker/driver.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import { AgentwireError } from "../../errors.ts";
import type { Timer } from "../../internal/clock.ts";
import type { Envelope } from "../../message/envelope.ts";
import { type Ask, type Begun, beginConsumer, graceOf } from "./begin.ts";
import { encodedIn } from "./body.ts";
import type { Row } from "./connection.ts";
import { type Forwarded, merged } from "./forwarded.ts";
import { type Claim, PostgresDelivery } from "./holding.ts";
import { type Damaged, quarantine } from "./quarantine.ts";
import type { Server } from "./session.ts";
import type { Settler } from "./settle.ts";

/** What a consumer needs around it. */
export interface ConsumerSurroundings {
  readonly server: Server;
  readonly context: DriverContext;
  readonly settler: Settler;
  readonly desk: SettleDesk<PostgresDelivery>;
  nextToken(): number;
  onClose(consumer: PostgresConsumer): void;
}

/** A claim hands out at most so many, so that it stays short. */
const MOST = 512;
/** After a claim that failed, and where the connection is not simply made again. */
const PAUSE = 1_000;
const GRAIN = 5;
/** Whoever takes from an inbox that is gone looks so often whether it is back. */
const GONE = 30_000;

const CLAIM = {
  name: "claim",
  text: "SELECT level, place, attempt, crashes, offered, order_key, failures, body, note FROM claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
};

interface Note {
  readonly g?: true;
  readonly h?: boolean;
  readonly b?: boolean;
  readonly w?: number | null;
  readonly n?: number;
}

/** Takes from one inbox for this process. Once the inbox is dry it asks no more until it is told that there is something. */
export class PostgresConsumer implements Consumer {
  readonly inbox: string;
  readonly options: ConsumeOptions;
  /** By level and place. */
  readonly held = new Map<string, PostgresDelivery>();
  readonly #around: ConsumerSurroundings;
  #at: Pick<Begun, "id" | "inboxId" | "begun">;
  #credit = 0;
  #closing = false;
  #isDry = false;
  #again = false;
  #running: Promise<void> | undefined;
  #wakeUp: Timer | undefined;
  #leases: Timer | undefined;
  #leasesAt = Number.POSITIVE_INFINITY;
  /** Something that has to go out alone waits. */
  #isBarred = false;
  #passesSince: number | undefined;
  /** What it gets it takes itself, when it wants it. */
  #isPulling = false;
  /** What came with its wake-up while a claim was under way. */
  #forwarded: Row[] = [];
  /** What to add to the server's time for this process's monotonic one, at most: as of the last claim. */
  #behind = Number.NEGATIVE_INFINITY;

  constructor(
    inbox: string,
    options: ConsumeOptions,
    given: { readonly at: Begun; readonly around: ConsumerSurroundings },
  ) {
    this.inbox = inbox;
    this.options = options;
    this.#at = given.at;
    this.#around = given.around;
  }

  get id(): number {
    return this.#at.id;
  }

  get inboxId(): number {
    return this.#at.inboxId;
  }

  credit(deliveries: number): void {
    if (this.#closing) return;
    this.#credit = deliveries;
    if (deliveries > 0 && !this.#isDry) this.look();
    else if (deliveries === 0 && this.#isDry && this.#mayBeSent) this.#refuse();
  }

  /** There may be something: asks for it, as far as the credit goes. */
  look(): void {
    this.#isDry = false;
    this.#again = true;
    this.#running ??= this.#run();
  }

  async tried(): Promise<void> {
    this.#isPulling = true;
    if (!this.#closing) this.look();
    await this.#running;
  }

  async close({ release = false }: { readonly release?: boolean } = {}): Promise<void> {
    if (this.#closing && !release) return;
    this.#closing = true;
    this.#credit = 0;
    this.#wakeUp?.cancel();
    await this.#running;
    await this.#end(release);
  }

  /** Ends without telling the server. */
  abandon(): void {
    this.#closing = true;
    this.#credit = 0;
    this.held.clear();
    this.#wakeUp?.cancel();
    this.#leases?.cancel();
    this.#around.onClose(this);
  }

  /** Takes up again what hung on a connection that was lost. */
  async restore(ask: Ask): Promise<void> {
    const { server } = this.#around;
    if (!this.#closing) await this.#beginAgain(ask);
    const held = [...this.held.values()];
    const { instance, lease } = this.options;
    await ask({
      text: "SELECT resume($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      values: [
        ...[server.peer, this.id, this.inboxId, instance],
        held.map(({ claim }) => claim.level),
        held.map(({ claim }) => claim.place),
        held.map(({ claim }) => claim.token),
        held.map(({ message }) => message.id),
        held.map(({ attempt }) => attempt),
        held.map(({ offeredAt }) => offeredAt),
        Math.ceil(lease),
        graceOf(this.options),
      ],
    });
    this.look();
  }

  /** Copies that the server has handed out to this consumer unasked. What is not taken comes back when it closes or begins again. */
  forwarded({ begun, rows }: Forwarded): void {
    if (this.#closing || begun !== this.#at.begun) return;
    this.#forwarded.push(...rows);
    if (!this.#running) this.#takeForwarded().catch(() => {});
  }

  /** The server has taken a delivery from its holder, or marked it to end. */
  revoke({ level, place, token }: Pick<Claim, "level" | "place" | "token">, why: Revocation): void {
    const delivery = this.held.get(`${level}:${place}`);
    if (delivery?.claim.token !== token) return;
    if (why === "lease-lost") this.#release(delivery);
    this.options.onRevoked?.(delivery, why);
  }

  /** A delivery was settled, or turned out to be lost. */
  settled(delivery: PostgresDelivery): void {
    this.#release(delivery);
    if (this.#closing && this.held.size === 0) this.#end(false).catch(() => {});
  }

  /** A lease was made longer. */
  leaseChanged(delivery: PostgresDelivery): void {
    this.#watchLease(delivery);
  }

  /** Is not to be sent anything unasked; what comes until the server knows goes back. */
  #refuse(): void {
    this.#isDry = false;
    const { server } = this.#around;
    const statement = { text: "UPDATE consumer SET open = false WHERE id = $1 AND open", values: [this.id] };
    server.call(`Taking nothing more from the inbox "${this.inbox}"`, statement).catch(() => {});
  }

  async #end(release: boolean): Promise<void> {
    const { server, onClose } = this.#around;
    const held = [...this.held.values()];
    await server.call(`Closing a consumer of the inbox "${this.inbox}"`, {
      text: "SELECT end_consumer($1, $2, $3, $4)",
      values: [server.peer, this.id, release, held.map(({ claim }) => claim.token)],
    });
    if (release) for (const delivery of held) this.held.delete(keyOf(delivery.claim));
    if (this.held.size > 0) return;
    this.#leases?.cancel();
    onClose(this);
  }

  async #run(): Promise<void> {
    // What else is asked for in this turn of the event loop shares the claim.
    await null;
    try {
      while (this.#again && this.#credit > 0 && !this.#closing && !this.#holdsAlone) {
        this.#again = false;
        await this.#claim();
      }
    } catch (error) {
      if (!AgentwireError.is(error, "CLOSED")) this.#lookIn(PAUSE);
    } finally {
      this.#running = undefined;
      this.#takeForwarded().catch(() => {});
    }
  }

  async #claim(): Promise<void> {
    const { server, context, nextToken } = this.#around;
    const { lease, types = null, exceptTypes = null, exclusive = false } = this.options;
    const want = Math.min(this.#credit, MOST);
    const token = nextToken();
    const monotonic = context.clock.monotonic();
    const values = [
      ...[server.peer, this.id, token, want, Math.ceil(lease), graceOf(this.options), types, exceptTypes],
      ...[exclusive, this.held.size === 0, this.#mayPass(monotonic), this.#mayBeSent],
    ];
    const rows = await server.call(`Taking from the inbox "${this.inbox}"`, { ...CLAIM, values });
    const note = rows.at(-1)?.["note"] as Note;
    if (note.n !== undefined) this.#behind = monotonic - note.n;
    const claimed = merged(rows.slice(0, -1), this.#forwarded.splice(0));
    await this.#take(claimed, { token, until: monotonic + lease });
    if (note.g) {
      // The inbox was removed: one of its name may have been declared since.
      const again = await this.#beginAgain(async (one) => ({ rows: await server.call("Taking", one) }));
      if (again) this.#again = true;
      else this.#lookIn(GONE);
      return;
    }
    this.#isBarred = note.b === true;
    if (this.#isBarred) this.#passesSince ??= monotonic;
    if (note.h !== true) this.#again = true;
    else if (!this.#again) this.#isDry = true;
    if (typeof note.w === "number") this.#lookIn(Math.max(note.w, 0) + GRAIN);
  }

  async #takeForwarded(): Promise<void> {
    const rows = this.#forwarded.splice(0);
    if (rows.length === 0 || this.#closing) return;
    await this.#take(rows, { token: 0, until: this.#around.context.clock.monotonic() + this.options.lease });
  }

  /** Hands over what was claimed; what is more than the credit by now goes back. */
  async #take(rows: readonly Row[], at: { readonly token: number; readonly until: number }): Promise<void> {
    const { settler, desk } = this.#around;
    const deliveries: PostgresDelivery[] = [];
    for (const row of rows) {
      const own = row["token"] as number | undefined;
      const handOff = {
        inbox: this.inbox,
        instance: this.options.instance,
        claim: {
          inbox: this.inboxId,
          level: row["level"] as number,
          place: row["place"] as number,
          consumer: this.id,
          token: own ?? at.token,
        },
        attempt: (row["attempt"] as number) + 1,
        crashes: row["crashes"] as number,
        failures: row["failures"] as string | null,
        hasKey: row["order_key"] !== null,
        offeredAt: row["offered"] as number,
        until: own === undefined ? at.until : Math.min(at.until, (row["until"] as number) + this.#behind),
        isForwarded: own !== undefined,
        desk,
      };
      const message = this.#decode(row["body"] as string, handOff);
      if (message) deliveries.push(new PostgresDelivery(message, handOff));
    }
    const most = this.#closing ? 0 : this.#credit;
    const surplus = deliveries.splice(most);
    if (deliveries.length > 0) {
      if (this.held.size === 0) this.#passesSince = undefined;
      for (const delivery of deliveries) this.held.set(keyOf(delivery.claim), delivery);
      this.#credit -= deliveries.length;
      this.#watchLease(deliveries[0] as PostgresDelivery);
      this.options.onDeliveries(deliveries);
    }
    await Promise.all(surplus.map((delivery) => settler.back(delivery, { outcome: "release" })));
  }

  #decode(body: string, damaged: Omit<Damaged, "body" | "error">): Envelope | undefined {
    const { context, settler } = this.#around;
    try {
      return context.codec.decode(encodedIn(body, context.codec));
    } catch (error) {
      void quarantine({ ...damaged, body, error }, { server: this.#around.server, context, settler });
      return undefined;
    }
  }

  /** Whether what comes next may be sent to it unasked. */
  get #mayBeSent(): boolean {
    return this.options.exclusive === true || !this.#isPulling;
  }

  get #holdsAlone(): boolean {
    if (this.held.size !== 1) return false;
    const [only] = this.held.values();
    return (only as PostgresDelivery).isSuspect;
  }

  /** Whether others may go out while something waits until nothing else is held: for a lease. */
  #mayPass(monotonic: number): boolean {
    // The order of what an exclusive consumer takes is its inbox's.
    if (this.options.exclusive) return false;
    return this.#passesSince === undefined || monotonic - this.#passesSince < this.options.lease;
  }

  /** Is a consumer of the inbox once more; false if there is no such inbox. */
  async #beginAgain(ask: Ask): Promise<boolean> {
    const { server, context } = this.#around;
    const { inbox, options, id: again } = this;
    const begun = await beginConsumer(ask, { scope: context.scope, peer: server.peer, inbox, options, again });
    if (begun) this.#at = begun;
    return begun !== undefined;
  }

  #release(delivery: PostgresDelivery): void {
    if (!this.held.delete(keyOf(delivery.claim))) return;
    if (delivery.isSuspect || delivery.hasKey || (this.#isBarred && this.held.size === 0)) this.look();
  }

  #lookIn(delay: number): void {
    this.#wakeUp?.cancel();
    if (!this.#closing) this.#wakeUp = this.#around.context.clock.after(delay, () => this.look());
  }

  /** Sees to a lease in time: renews it, or looks whether it has run out. */
  #watchLease({ until }: PostgresDelivery): void {
    const { clock } = this.#around.context;
    const { renew, lease } = this.options;
    const at = renew ? clock.monotonic() + lease / 3 : until + GRAIN;
    if (at >= this.#leasesAt) return;
    this.#leases?.cancel();
    this.#leasesAt = at;
    this.#leases = clock.after(Math.max(0, at - clock.monotonic()), () => {
      this.#leasesAt = Number.POSITIVE_INFINITY;
      void (renew ? this.#renew() : this.#lapse()).catch(() => {}).then(() => this.#watchLeases());
    });
  }

  #watchLeases(): void {
    let first: PostgresDelivery | undefined;
    for (const delivery of this.held.values()) if (!first || delivery.until < first.until) first = delivery;
    if (first) this.#watchLease(first);
  }

  async #renew(): Promise<void> {
    const { lease } = this.options;
    const stale = this.#around.context.clock.monotonic() + (lease * 3) / 4;
    const deliveries = [...this.held.values()].filter(({ until }) => until < stale);
    if (deliveries.length > 0) await this.extend(deliveries, lease);
  }

  /** Keeps deliveries for longer; those that were still this consumer's. What is lost is told. */
  async extend(deliveries: readonly PostgresDelivery[], lease: number): Promise<ReadonlySet<PostgresDelivery>> {
    const { server, context } = this.#around;
    const from = context.clock.monotonic();
    const claims = deliveries.map(({ claim }) => claim);
    const { kept } = await server.row("Extending a lease", {
      name: "extend_held",
      text: "SELECT extend_held($1, $2, $3, $4, $5, $6) AS kept",
      values: [
        this.id,
        this.inboxId,
        claims.map(({ level }) => level),
        claims.map(({ place }) => place),
        claims.map(({ token }) => token),
        claims.map(() => Math.ceil(lease)),
      ],
    });
    const places = new Set(kept as readonly number[]);
    const mine = new Set<PostgresDelivery>();
    for (const [at, delivery] of deliveries.entries()) {
      if (places.has(at + 1)) {
        delivery.until = Math.max(delivery.until, from + lease);
        mine.add(delivery);
      } else this.revoke(delivery.claim, "lease-lost");
    }
    return mine;
  }

  async #lapse(): Promise<void> {
    const { server } = this.#around;
    const { hungry } = await server.row("Looking at leases", {
      text: "SELECT lapse_now($1, $2) AS hungry",
      values: [this.inboxId, server.peer],
    });
    if (hungry === true) this.look();
  }
}

function keyOf({ level, place }: Pick<Claim, "level" | "place">): string {
  return `${level}:${place}`;
}
