import { randomBytes } from "node:crypto";
import type { DriverContext, DriverEvent } from "../../broker/driver.ts";
import type { SettleDesk } from "../../broker/held-delivery.ts";
import { RECEIPT_SIGNAL } from "../../broker/receipt-log.ts";
import { AgentwireError } from "../../errors.ts";
import { markOfThisProcess, type ProcessMark } from "../machine.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { ClientLibrary } from "./connection.ts";
import { Database } from "./database.ts";
import { faultError, faultKind } from "./faults.ts";
import type { Forwarding } from "./forwarded.ts";
import { HandOut } from "./hand-out.ts";
import type { LocalConsumer, SqliteDelivery } from "./holding.ts";
import { Mesh, socketPath } from "./mesh.ts";
import type { SqliteOptions } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { LEFT_TOPIC, PeerNews, VALUES_TOPIC } from "./peer-news.ts";
import { type Recoverer, recover } from "./recovery.ts";
import { Signals } from "./signals.ts";
import type { Tables } from "./tables.ts";
import { Telling, type ValueListener } from "./telling.ts";
import { Timetable } from "./timetable.ts";
import { scoped, Transaction } from "./transaction.ts";
import { Work } from "./work.ts";

/** What a session needs of whoever uses it. */
export interface SessionOptions {
  readonly url: SqliteOptions;
  readonly context: DriverContext;
  readonly desk: SettleDesk<SqliteDelivery>;
  /** @throws DRIVER_MISSING */
  load(): ClientLibrary;
}

/** Which half of the driver has the file open. */
export type SessionUser = "broker" | "store";

const NO_FORWARDS: ReadonlyMap<string, Forwarding> = new Map();

/** One process's use of the file: its connection, its transactions, what it hands out, and its line to the other processes. */
export class Session {
  readonly peer = randomBytes(9).toString("base64url");
  readonly context: DriverContext;
  readonly outlets = new Map<string, Outlet>();
  readonly queue: CommitQueue;
  readonly signals: Signals;
  readonly #url: SqliteOptions;
  readonly #database: Database;
  readonly #here: ProcessMark = markOfThisProcess();
  readonly #handOut: HandOut;
  readonly #telling = new Telling((error) =>
    this.report({ type: "driver.fault", message: `A listener threw: ${error.message}` }),
  );
  readonly #mesh: Mesh;
  readonly #timetable: Timetable;
  readonly #recoverer: Recoverer;
  readonly #consumers = new Map<number, LocalConsumer>();
  readonly #supplied = new Set<Outlet>();
  #takeovers = -1;
  readonly #users = new Set<SessionUser>();
  #closing: Promise<void> | undefined;
  #opening: Promise<void> | undefined;
  #lost: SqliteDelivery[] = [];

  constructor({ url, context, desk, load }: SessionOptions) {
    this.#url = url;
    this.context = context;
    this.#database = new Database({ url, scope: context.scope, load });
    this.#recoverer = { peer: this.peer, here: this.#here, consumers: () => this.#consumers };
    this.#handOut = new HandOut({ codec: context.codec, desk, peer: this.peer, report: (event) => this.report(event) });
    this.queue = new CommitQueue({
      path: url.path,
      begin: ({ synced }) => this.#beginTransaction(synced),
      complete: (tx) => this.#complete(tx),
      commit: () => this.#database.commit(),
      rollback: (tx) => this.#undo(tx),
      committed: (tx) => this.#committed(tx),
      reopen: (how) => this.#reopen(how),
    });
    const news = new PeerNews({
      clock: context.clock,
      scope: context.scope,
      outlets: this.outlets,
      consumers: this.#consumers,
      handOut: this.#handOut,
      telling: this.#telling,
      signals: () => this.signals,
      timetable: () => this.#timetable,
      serve: (outlet) => this.serve(outlet),
    });
    this.#mesh = new Mesh(this.peer, socketPath(url.path, this.peer), news);
    this.signals = new Signals(context.scope, this.#mesh, (error) =>
      this.report({ type: "driver.fault", message: `A signal listener threw: ${(error as Error).message}` }),
    );
    this.#timetable = new Timetable({
      clock: context.clock,
      scope: context.scope,
      recoverer: this.#recoverer,
      tables: () => this.#database.tables,
      submit: (what, step) => this.#background(what, step),
      swept: () => this.#swept(),
      idle: () => this.#database.idle(),
    });
  }

  /** The tables, for reading. @throws CLOSED before `open` and after `close` */
  get tables(): Tables {
    const { tables } = this.#database;
    if (!tables) throw new AgentwireError("CLOSED", `${this.#url.path} is not open`);
    return tables;
  }

  /** Opens the file, for the first of its users. */
  async open(user: SessionUser): Promise<void> {
    this.#users.add(user);
    this.#opening ??= this.#open();
    try {
      await this.#opening;
    } catch (error) {
      this.#users.delete(user);
      throw error;
    }
  }

  /** Closes the file, with the last of its users. */
  async close(user: SessionUser): Promise<void> {
    if (this.#users.delete(user) && this.#users.size === 0) this.#closing = this.#close();
    if (this.#users.size === 0) await this.#closing;
  }

  /** Runs one operation in the next transaction. */
  run<T>(
    what: string,
    step: (tx: Transaction) => T,
    options: { readonly lazy?: boolean; readonly synced?: boolean } = {},
  ): Promise<T> {
    return this.queue.submit(new Work(what, step, options), options);
  }

  /** Reads outside of a transaction, at once. @throws STORE_CORRUPT, CLOSED */
  async read<T>(what: string, step: (tables: Tables) => T): Promise<T> {
    try {
      return step(this.tables);
    } catch (error) {
      // Another process recovers the file; the queue knows how to wait for it.
      if (faultKind(error) === "busy") return this.run(what, (tx) => step(tx.tables));
      throw faultError(error, what, this.#url.path);
    }
  }

  report(event: Omit<DriverEvent, "driver">): void {
    this.context.report({ ...event, driver: "sqlite" });
  }

  /** Where an inbox is handed out in this process. */
  outlet(name: string): Outlet {
    let outlet = this.outlets.get(name);
    if (!outlet) {
      outlet = new Outlet(name);
      this.outlets.set(name, outlet);
    }
    return outlet;
  }

  /** A consumer has its claim's row. */
  join(consumer: LocalConsumer): void {
    const outlet = this.outlet(consumer.inbox);
    outlet.consumers.push(consumer);
    // Its window begins unread, so that the outlet knows that there may be something for it.
    outlet.windowFor(consumer);
    this.#consumers.set(consumer.claimId, consumer);
    this.#mesh.consumes(scoped(this.context.scope, consumer.inbox), true);
    this.#timetable.lookAtLeases();
  }

  /** A consumer has gone and holds nothing. */
  leave(consumer: LocalConsumer): void {
    if (!this.#consumers.delete(consumer.claimId)) return;
    this.#mesh.consumes(scoped(this.context.scope, consumer.inbox), false);
    const outlet = this.outlet(consumer.inbox);
    outlet.leave(consumer);
    if (outlet.consumers.length === 0) this.outlets.delete(consumer.inbox);
  }

  /** Someone asked for copies: hands out what there is. */
  serve(outlet: Outlet): void {
    if (!outlet.hungry) return;
    this.#supplied.add(outlet);
    this.queue.kick();
  }

  /** Whether a transaction was too short to hand out all that an inbox's consumers here would take. */
  isServing(inbox: string): boolean {
    const outlet = this.outlets.get(inbox);
    return outlet !== undefined && this.#supplied.has(outlet);
  }

  /** Wakes the consumers of an inbox in all processes. */
  wakeAll(inbox: string): void {
    const outlet = this.outlets.get(inbox);
    if (outlet) this.serve(outlet);
    this.#mesh.wake(new Set([scoped(this.context.scope, inbox)]), NO_FORWARDS);
  }

  /** Tells of changed values; returns the way to stop. */
  onValues(listener: ValueListener): () => void {
    this.#telling.addValueListener(listener);
    this.#mesh.listens(VALUES_TOPIC, true);
    return () => {
      if (this.#telling.removeValueListener(listener)) this.#mesh.listens(VALUES_TOPIC, false);
    };
  }

  /** The messages are closed, while state may stay open: nothing is heard any more, and inboxes that outlive nobody are orphans. */
  async leaveMessages(): Promise<void> {
    this.signals.clear();
    await this.#background("Leaving", (tx) => {
      tx.rows++;
      tx.tables.peers.orphan(this.peer, tx.now);
    });
    this.#mesh.signal(LEFT_TOPIC, null);
    this.#timetable.lookAhead();
  }

  /** A lease was changed by its holder. */
  leasesChanged(): void {
    this.#timetable.lookAtLeases();
  }

  async #open(): Promise<void> {
    const library = await this.#database.open(this.#here);
    try {
      await this.#takeSeat(library);
    } catch (error) {
      this.#timetable.stop();
      await this.#mesh.close();
      await this.#database.close();
      throw error;
    }
  }

  /** Becomes one of the processes that share the file. */
  async #takeSeat(library: string): Promise<void> {
    this.#mesh.listens(LEFT_TOPIC, true);
    const listening = await this.#mesh.listen();
    if (!listening)
      this.report({
        type: "driver.fault",
        message: "No socket for wake-ups could be opened; other processes are found within 30 s",
      });
    const socket = listening ? socketPath(this.#url.path, this.peer) : "";
    const { instance } = this.context;
    const { others, recovered } = await this.run("Opening", (tx) => {
      const peers = tx.tables.peers.all();
      tx.tables.peers.add({ ...this.#here, id: this.peer, instance, socket });
      const copies = recover(tx, this.#recoverer);
      const left = new Set(tx.tables.peers.all().map((peer) => peer.id));
      return { others: peers.filter((peer) => left.has(peer.id) && peer.socket !== ""), recovered: copies };
    });
    if (recovered > 0)
      this.report({
        type: "driver.repaired",
        message: `${recovered} deliveries of dead processes go to others`,
        details: { recovered },
      });
    await Promise.all(others.map((peer) => this.#mesh.connect(peer.socket)));
    this.#timetable.start();
    this.report({
      type: "driver.opened",
      message: `${this.#url.path} is open with ${library}`,
      details: { path: this.#url.path },
    });
  }

  async #close(): Promise<void> {
    this.#timetable.stop();
    await this.queue.drain();
    try {
      await this.run("Closing", (tx) => {
        for (const claim of tx.tables.claims.ofPeer(this.peer)) tx.tables.claims.remove(claim.id);
        tx.tables.peers.remove(this.peer, tx.now);
        for (const { inbox } of this.#consumers.values()) tx.wake.add(scoped(this.context.scope, inbox));
      });
    } catch (error) {
      this.report({
        type: "driver.fault",
        message: `The file was closed without taking leave: ${(error as Error).message}`,
      });
    }
    this.queue.close();
    this.signals.clear();
    await this.#mesh.close();
    await this.#database.close();
    this.report({ type: "driver.closed", message: `${this.#url.path} is closed`, details: { path: this.#url.path } });
  }

  #reopen(how: { readonly unsure: boolean }): void {
    this.#database.reopen(how);
    for (const outlet of this.outlets.values()) outlet.spoil();
    this.report({
      type: "driver.restored",
      message: `${this.#url.path} was opened anew after a fault`,
      details: { path: this.#url.path },
    });
  }

  // Claims need not survive a power loss: without them a message counts as never handed out. So a transaction that only
  // hands out need not be synced.
  #beginTransaction(synced: boolean): Transaction {
    const { tables } = this;
    const { clock, scope, codec, journal: keepsJournal = false } = this.context;
    const monotonic = clock.monotonic();
    this.#database.begin({ synced });
    const at = { now: clock.now(), monotonic, scope, peer: this.peer, codec, keepsJournal };
    const tx = new Transaction(tables, this.outlets, at);
    try {
      if (this.#database.hasChanged()) this.#catchUp(tx);
    } catch (error) {
      this.#undo(tx);
      throw error;
    }
    return tx;
  }

  /** Other processes have written: forgets what is no longer sure, and finds out what was taken from consumers here. */
  #catchUp(tx: Transaction): void {
    tx.tables.inboxes.forget();
    tx.tables.logs.forget();
    for (const outlet of this.outlets.values()) outlet.age();
    const takeovers = tx.tables.counters.get("takeovers");
    if (takeovers === this.#takeovers) return;
    this.#takeovers = takeovers;
    for (const outlet of this.outlets.values()) outlet.spoil();
    const claims = new Map(tx.tables.claims.ofPeer(this.peer).map((claim) => [claim.id, claim]));
    for (const consumer of [...this.#consumers.values()]) {
      const claim = claims.get(consumer.claimId);
      const still = new Set(claim?.held.map(({ slot }) => slot));
      for (const delivery of [...consumer.held.values()]) {
        if (still.has(delivery.slot) || (claim && delivery.isForwarded)) continue;
        consumer.held.delete(delivery.slot);
        this.#lost.push(delivery);
      }
      if (!claim) this.#rejoin(tx, consumer);
    }
  }

  /** This process was taken for dead; its consumers begin anew. */
  #rejoin(tx: Transaction, consumer: LocalConsumer): void {
    if (!tx.tables.peers.has(this.peer)) {
      tx.tables.peers.add({
        ...this.#here,
        id: this.peer,
        instance: this.context.instance,
        socket: socketPath(this.#url.path, this.peer),
      });
    }
    this.#consumers.delete(consumer.claimId);
    const { instance, lease, exclusive = false } = consumer.options;
    consumer.claimId = tx.tables.claims.add({
      inboxId: tx.tables.inboxes.find(consumer.inbox)?.id ?? 0,
      peer: this.peer,
      instance,
      lease,
      exclusive,
    });
    this.#consumers.set(consumer.claimId, consumer);
  }

  #complete(tx: Transaction): void {
    for (const outlet of this.#supplied) tx.supplied.add(outlet);
    for (const outlet of tx.supplied) {
      if (this.#handOut.serve(tx, outlet)) this.#supplied.add(outlet);
      else this.#supplied.delete(outlet);
      if (outlet.isDry) tx.wake.delete(scoped(this.context.scope, outlet.name));
    }
    tx.flush();
  }

  #undo(tx: Transaction): void {
    tx.undo();
    tx.tables.ready.forget();
    tx.tables.inboxes.forget();
    tx.tables.logs.forget();
    // What was caught up with stays true, but has to be looked at again.
    this.#takeovers = -1;
    for (const outlet of this.outlets.values()) outlet.undo();
    this.#tellLost();
    this.#database.rollback();
  }

  #committed(tx: Transaction): void {
    for (const { consumer } of tx.released) if (consumer.closing && consumer.held.size === 0) this.leave(consumer);
    this.#telling.deliver(tx.claimed);
    this.#tellLost();
    for (const { delivery, why } of tx.revoked) this.#telling.revoked(delivery, why);
    for (const { peer, claimId, slot, end } of tx.foreignRevoked) this.#mesh.revoke(peer, [{ claimId, slot, end }]);
    if (tx.wake.size > 0 || tx.forwards.size > 0) this.#mesh.wake(tx.wake, tx.forwards);
    if (tx.records.length > 0 && this.signals.isHeard(RECEIPT_SIGNAL)) this.signals.send(RECEIPT_SIGNAL, tx.records);
    if (tx.changedKeys.size > 0) {
      this.#telling.values(tx.changedKeys);
      if (this.#mesh.isHeard(VALUES_TOPIC)) this.#mesh.signal(VALUES_TOPIC, [...tx.changedKeys]);
    }
    this.#timetable.noteDue(tx.nextDue);
    this.#timetable.noteExpiry(tx.nextExpiry);
    if (tx.claimed.length > 0) this.#timetable.lookAtLeases();
    this.#timetable.watchForeignLeases(this.#shortestForeignLease());
    this.#timetable.wrote();
    if (this.#supplied.size > 0) this.queue.kick();
  }

  #shortestForeignLease(): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const { foreignLease } of this.outlets.values()) if (foreignLease < shortest) shortest = foreignLease;
    return shortest;
  }

  #tellLost(): void {
    const lost = this.#lost;
    this.#lost = [];
    for (const delivery of lost) this.#telling.revoked(delivery, delivery.cancelled ?? "lease-lost");
  }

  /** Work that nobody waits for; a failure is reported. */
  #background<T>(what: string, step: (tx: Transaction) => T): Promise<T | undefined> {
    return this.run(what, step).catch((error: unknown) => {
      if (!AgentwireError.is(error, "CLOSED"))
        this.report({ type: "driver.fault", message: `${what} failed: ${(error as Error).message}` });
      return undefined;
    });
  }

  /** The slow sweep: looks for what no one told this process. */
  #swept(): void {
    for (const outlet of this.outlets.values()) {
      outlet.spoil();
      this.serve(outlet);
    }
    this.#telling.values(undefined);
  }
}
