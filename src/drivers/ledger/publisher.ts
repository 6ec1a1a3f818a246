import type { DriverContext } from "../../broker/driver.ts";
import { JOURNAL_LOG, type JournaledMessage } from "../../broker/journal-log.ts";
import type { Publication, PublishedCopy, PublishResult } from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import type { DeadLetter, ReceiptRecord } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import type { NewCopy, QueueEngine } from "./engine.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Rooms } from "./rooms.ts";
import { type DelayedRow, type InboxRow, keyOf, type Past, textOfBody } from "./rows.ts";

/** What publishing needs of the broker around it. */
export interface PublisherOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly inboxes: Inboxes;
  readonly rooms: Rooms;
  readonly process: string;
  delay(rows: readonly DelayedRow[]): Promise<void>;
  /** Ends a copy that never comes into the engine. */
  end(inbox: string, record: ReceiptRecord, letter?: DeadLetter<Envelope>): Promise<void>;
  /** Ends what a message supersedes in an inbox. */
  supersede(inbox: string, publication: Publication): Promise<void>;
  /** Ends the oldest of the lowest priority that nobody has; false if there is none. */
  dropOldest(inbox: string): Promise<boolean>;
  /** Ends a copy when it expires. */
  expire(copy: {
    readonly inbox: string;
    readonly mark: string;
    readonly level: number;
    readonly message: Envelope;
  }): void;
  waiting(inboxes: readonly string[]): Promise<readonly number[]>;
}

/** Messages for several inboxes, kept until each has its copy: any process can go on with them. */
export interface IntentRow {
  readonly process: string;
  readonly of: readonly { readonly publication: Publication; readonly inboxes: readonly string[] }[];
}

/** What a caller's key stands for. Without `copies` its first sender is under way, or has died. */
interface FirstSend {
  readonly id: string;
  readonly fingerprint: string;
  readonly copies?: readonly PublishedCopy[];
}

type How = "sent" | "emitted";

/** What is to be done for one publication. */
interface Plan {
  readonly publication: Publication;
  readonly targets: readonly Target[];
  readonly isDuplicate: boolean;
  /** Room was taken for its copies. */
  readonly isCounted: boolean;
  readonly key?: string;
  /** What its copies say of themselves. */
  readonly past?: Past;
}

interface Target {
  readonly row: InboxRow;
  readonly how: "put" | "delay" | "expired" | { readonly code: string; readonly reason: string };
}

type Decision =
  | { readonly plan: Plan }
  | { readonly result: PublishResult }
  | { readonly follow: Promise<PublishResult> };

const FULL = { code: "INBOX_FULL", reason: "The inbox has reached its capacity." };
/** Somebody who has died may have put the same copy into the engine. */
const DOUBTFUL: Past = { g: true, a: 0 };
const LEVELS = new Map<string, number>(PRIORITIES.map((priority, level) => [priority, level]));
const NORMAL = 2;

/** Level of a message; what another program wrote is normal. */
function levelOf({ priority }: Envelope): number {
  return LEVELS.get(priority) ?? NORMAL;
}

/** Puts messages into inboxes. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** Keys whose messages this process is sending. */
  readonly #sending = new Map<string, { readonly fingerprint: string; readonly result: Promise<PublishResult> }>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Resolves when all earlier batches have gone to the engine, in their order. */
  #line: Promise<unknown> | undefined;
  #intents = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  publish(batch: readonly Publication[], how: How = "sent"): Promise<PublishResult[]> {
    const work = this.#publish(batch, how);
    this.#underWay.add(work);
    const over = (): void => void this.#underWay.delete(work);
    work.then(over, over);
    return work;
  }

  /** Resolves when nothing is under way. */
  async drain(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  /** Goes on with what a process that has died was sending to several inboxes. */
  async adopt({ of }: IntentRow): Promise<void> {
    for (const { publication, inboxes } of of) {
      const rows = await Promise.all(inboxes.map((name) => this.#options.inboxes.find(name)));
      const targets = rows.flatMap((row) => (row ? [this.#target(publication, row)] : []));
      const plan = { publication, targets, isDuplicate: false, isCounted: false, past: DOUBTFUL };
      await this.#store([plan], { how: "sent" }).stored;
    }
  }

  async #publish(batch: readonly Publication[], how: How): Promise<PublishResult[]> {
    const before = this.#line;
    const quick = before ? undefined : this.#planAtOnce(batch);
    if (quick) return this.#store(quick, { how }).stored;
    let issued = (): void => {};
    const line = new Promise<void>((resolve) => {
      issued = resolve;
    });
    const own = (this.#line = before ? before.then(() => line) : line);
    let stored: Promise<PublishResult[]>;
    const decisions: Decision[] = [];
    try {
      const answered: ((result: PublishResult) => void)[] = [];
      const planned = this.#decide(batch, { how, answered });
      // What the store is asked for may take its time; the engine is given everything in its order.
      for (const decision of await planned) decisions.push(decision);
      await before;
      const plans = decisions.flatMap((one) => ("plan" in one ? [one.plan] : []));
      const started = this.#store(plans, { how });
      await started.issued;
      stored = started.stored.then((results) => {
        for (const [at, answer] of answered.entries()) if (results[at]) answer(results[at] as PublishResult);
        return results;
      });
    } finally {
      issued();
      if (this.#line === own) this.#line = undefined;
    }
    const results = (await stored)[Symbol.iterator]();
    return Promise.all(
      decisions.map((one) =>
        "plan" in one ? (results.next().value as PublishResult) : "result" in one ? one.result : one.follow,
      ),
    );
  }

  /** Plans for a batch for which nobody has to be asked; undefined where there is no such. */
  #planAtOnce(batch: readonly Publication[]): Plan[] | undefined {
    const { inboxes, rooms, context } = this.#options;
    const now = context.clock.now();
    const plans: Plan[] = [];
    for (const publication of batch) {
      const { to, dedupe, supersedes, refused, dueAt = 0, message } = publication;
      if (dedupe || supersedes || refused || dueAt > now || "pick" in to || to.length !== 1) return undefined;
      if ((message.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return undefined;
      const row = inboxes.get(to[0] as string);
      if (!row) return undefined;
      plans.push({ publication, targets: [{ row, how: "put" }], isDuplicate: false, isCounted: true });
    }
    rooms.forgetSmall();
    const taken: string[] = [];
    for (const { targets } of plans) {
      const name = (targets[0] as Target).row.name;
      if (rooms.take(name) === true) taken.push(name);
      else {
        for (const one of taken) rooms.arrived(one);
        return undefined;
      }
    }
    return plans;
  }

  async #decide(
    batch: readonly Publication[],
    { how, answered }: { readonly how: How; readonly answered: ((result: PublishResult) => void)[] },
  ): Promise<Decision[]> {
    const decisions: Decision[] = [];
    this.#options.rooms.forgetSmall();
    const loads = new Map<string, number>();
    for (const publication of batch) {
      const decision = await this.#decideOne(publication, { how, loads }).catch(
        (error: unknown): Decision => ({ result: { status: "failed", error: asRejected(error) } }),
      );
      decisions.push(decision);
      if (!("plan" in decision)) continue;
      const { key, isDuplicate } = decision.plan;
      if (key === undefined || isDuplicate) {
        answered.push(() => {});
        continue;
      }
      const result = new Promise<PublishResult>((resolve) => answered.push(resolve));
      this.#sending.set(key, { fingerprint: publication.dedupe?.fingerprint ?? "", result });
      void result.then(() => this.#sending.delete(key));
    }
    return decisions;
  }

  async #decideOne(
    publication: Publication,
    { how, loads }: { readonly how: How; readonly loads: Map<string, number> },
  ): Promise<Decision> {
    const { message, dedupe } = publication;
    const key = dedupe && keyOf("keys", message.from, dedupe.key);
    if (dedupe && key !== undefined) {
      const sending = this.#sending.get(key);
      if (sending) {
        if (sending.fingerprint !== dedupe.fingerprint) return { result: conflict(publication, "") };
        return {
          follow: sending.result.then((first) => (first.status === "accepted" ? { ...first, duplicate: true } : first)),
        };
      }
      const first = (await this.#options.store.get(key))?.value as FirstSend | undefined;
      if (first) return this.#repeat(publication, { first, key, how, loads });
    }
    const rows = await this.#rowsOf(publication, { how, loads });
    if (rows instanceof AgentwireError) return { result: { status: "failed", error: rows } };
    const targets = await this.#targetsOf(publication, { rows, how });
    if (targets instanceof AgentwireError) return { result: { status: "failed", error: targets } };
    if (dedupe && key !== undefined) {
      const own: FirstSend = { id: message.id, fingerprint: dedupe.fingerprint };
      const taken = await this.#options.store.put(key, own, { ifRevision: 0, ttl: dedupe.window });
      if (taken === undefined) return this.#decideOne(publication, { how, loads });
      return { plan: { publication, targets, isDuplicate: false, isCounted: true, key } };
    }
    return { plan: { publication, targets, isDuplicate: false, isCounted: true } };
  }

  /** A key that is taken. Where its first sender left no result, its message is stored under the first id: once, whoever does it. */
  async #repeat(
    publication: Publication,
    about: { readonly first: FirstSend; readonly key: string; readonly how: How; readonly loads: Map<string, number> },
  ): Promise<Decision> {
    const { first, key } = about;
    const { message, dedupe } = publication;
    if (first.fingerprint !== dedupe?.fingerprint) return { result: conflict(publication, first.id) };
    if (first.copies) return { result: { status: "accepted", id: first.id, copies: first.copies, duplicate: true } };
    const rows = await this.#rowsOf(publication, about);
    if (rows instanceof AgentwireError) return { result: { status: "failed", error: rows } };
    const conversationId = message.conversationId === message.id ? first.id : message.conversationId;
    const again = { ...publication, message: { ...message, id: first.id, conversationId } };
    const targets = rows.map((row) => this.#target(again, row));
    return { plan: { publication: again, targets, isDuplicate: true, isCounted: false, key, past: DOUBTFUL } };
  }

  /** Begins to store; `issued` when the engine has everything in its order, `stored` when it is durable. */
  #store(
    plans: readonly Plan[],
    about: { readonly how: How },
  ): { readonly issued: Promise<void>; readonly stored: Promise<PublishResult[]> } {
    let issued = (): void => {};
    const whenIssued = new Promise<void>((resolve) => {
      issued = resolve;
    });
    const stored = this.#storeAll(plans, { ...about, issued })
      .catch((error: unknown) => plans.map((): PublishResult => ({ status: "failed", error: asIndeterminate(error) })))
      .finally(() => {
        issued();
        for (const { targets, isCounted } of plans) if (isCounted) this.#giveRoom(targets);
      });
    return { issued: whenIssued, stored };
  }

  #giveRoom(targets: readonly Target[]): void {
    for (const { row, how } of targets) if (how === "put" || how === "delay") this.#options.rooms.arrived(row.name);
  }

  async #storeAll(
    plans: readonly Plan[],
    { how: sent, issued }: { readonly how: How; readonly issued: () => void },
  ): Promise<PublishResult[]> {
    const { store, context, engine, delay, end, expire } = this.#options;
    const now = context.clock.now();
    const copies: NewCopy[] = [];
    const owners: { readonly plan: number; readonly message: Envelope }[] = [];
    const faults = new Map<number, AgentwireError>();
    const rest: Promise<unknown>[] = [];
    const delayed: DelayedRow[] = [];
    const fault = (plan: number) => (error: unknown) => void faults.set(plan, asIndeterminate(error));
    const intent = await this.#intend(plans);
    plans.forEach(({ publication, targets, key, past }, plan) => {
      const { message, dueAt } = publication;
      let body: string | Uint8Array;
      try {
        body = context.codec.encode(message);
      } catch (error) {
        faults.set(plan, asRejected(error));
        return;
      }
      for (const { row, how } of targets) {
        const { name: inbox } = row;
        const level = levelOf(message);
        if (how === "put") {
          const isOnce = past !== undefined || key !== undefined || targets.length > 1 || sent === "emitted";
          copies.push({
            inbox,
            level,
            body,
            ...(past === undefined ? {} : { head: JSON.stringify(past) }),
            ...(isOnce ? { once: `${message.id}:${inbox}` } : {}),
          });
          owners.push({ plan, message });
        } else if (how === "delay") {
          const { id, from, key: order, expiresAt, createdAt } = message;
          delayed.push({
            inbox,
            id,
            level,
            dueAt: dueAt ?? now,
            from,
            ...(order === undefined ? {} : { key: order }),
            ...(expiresAt === undefined ? {} : { expiresAt }),
            createdAt,
            ...textOfBody(body),
          });
        } else {
          const about = { recipient: inbox, at: now };
          const record = { id: message.id, ...about, end: "dead-lettered" as const, attempt: 0 };
          const ending =
            how === "expired"
              ? end(inbox, { ...record, end: "expired" })
              : end(inbox, { ...record, reason: how.code }, { message, ...about, ...how, attempts: [] });
          rest.push(ending.catch(fault(plan)));
        }
      }
    });
    if (context.journal) {
      // What somebody has died over is in the journal already, unless it has come again from its sender.
      const fresh = plans.filter(({ past, isDuplicate }) => past === undefined || isDuplicate);
      rest.push(this.#journal(fresh, now));
    }
    const put = copies.length > 0 ? engine.put(copies) : Promise.resolve([]);
    issued();
    if (delayed.length > 0) rest.push(delay(delayed));
    const answers = await put;
    answers.forEach((answer, at) => {
      const { inbox, level } = copies[at] as NewCopy;
      const { plan, message } = owners[at] as (typeof owners)[number];
      if (answer instanceof Error) faults.set(plan, answer as AgentwireError);
      else if (answer !== undefined && message.expiresAt !== undefined) expire({ inbox, mark: answer, level, message });
    });
    await Promise.all(rest);
    const results = plans.map((plan, at): PublishResult => {
      const error = faults.get(at);
      if (error) return { status: "failed", error };
      return {
        status: "accepted",
        id: plan.publication.message.id,
        copies: copiesOf(plan),
        duplicate: plan.isDuplicate,
      };
    });
    await Promise.all(plans.map((plan, at) => (faults.has(at) ? undefined : this.#keepKey(plan))));
    // What is not certain is gone on with by whoever finds it.
    if (intent !== undefined && faults.size === 0) store.delete(intent).catch(() => {});
    return results;
  }

  /** Publishes what a settle emits. @throws when the engine fails */
  async emit(publications: readonly Publication[]): Promise<void> {
    for (const result of await this.publish(publications, "emitted"))
      if (result.status === "failed" && result.error.code === "INDETERMINATE") throw result.error;
  }

  async #intend(plans: readonly Plan[]): Promise<string | undefined> {
    const of = plans.filter(({ targets }) => targets.length > 1);
    if (of.length === 0) return undefined;
    const { store, process } = this.#options;
    const key = keyOf("intents", process, String(++this.#intents));
    const row: IntentRow = {
      process,
      of: of.map(({ publication, targets }) => ({ publication, inboxes: targets.map((one) => one.row.name) })),
    };
    await store.put(key, row);
    return key;
  }

  async #keepKey({ publication, key, ...plan }: Plan): Promise<void> {
    const { dedupe, message } = publication;
    if (!dedupe || key === undefined) return;
    const done: FirstSend = { id: message.id, fingerprint: dedupe.fingerprint, copies: copiesOf(plan) };
    // The message is stored; without its result the key says so to whoever comes next, who finds out.
    await this.#options.store.put(key, done, { ttl: dedupe.window }).catch(() => {});
  }

  #journal(plans: readonly Plan[], at: number): Promise<void> {
    const entries = plans.map(({ publication: { message, dueAt }, targets }): JournaledMessage => {
      const recipients = targets.map((one) => one.row.name);
      return { kind: "message", at, message, recipients, ...(dueAt === undefined ? {} : { dueAt }) };
    });
    return entries.length === 0 ? Promise.resolve() : this.#options.store.append(JOURNAL_LOG, [entries]);
  }

  async #rowsOf(
    { to }: Publication,
    { how, loads }: { readonly how: How; readonly loads: Map<string, number> },
  ): Promise<InboxRow[] | AgentwireError> {
    const { inboxes, waiting } = this.#options;
    if ("pick" in to) {
      const rows = await Promise.all(to.pick.map(({ inbox }) => inboxes.find(inbox)));
      const unknownLoads = rows.flatMap((row) => (row && !loads.has(row.name) ? [row.name] : []));
      (await waiting(unknownLoads)).forEach((count, at) => void loads.set(unknownLoads[at] as string, count));
      let best: InboxRow | undefined;
      let least = Number.POSITIVE_INFINITY;
      to.pick.forEach(({ inbox, concurrency }, at) => {
        const load = (loads.get(inbox) ?? 0) / concurrency;
        if (!rows[at] || load >= least) return;
        best = rows[at];
        least = load;
      });
      if (!best) return unknown(to.pick[0]?.inbox ?? "");
      loads.set(best.name, (loads.get(best.name) ?? 0) + 1);
      return [best];
    }
    const rows: InboxRow[] = [];
    for (const name of to) {
      const row = await inboxes.find(name);
      if (row) rows.push(row);
      else if (how === "sent") return unknown(name);
    }
    return rows;
  }

  async #targetsOf(
    publication: Publication,
    { rows, how }: { readonly rows: readonly InboxRow[]; readonly how: How },
  ): Promise<Target[] | AgentwireError> {
    const { rooms, supersede, dropOldest } = this.#options;
    const { refused, fanOut, supersedes } = publication;
    if (refused) return rows.map((row) => ({ row, how: refused }));
    if (supersedes) for (const row of rows) await supersede(row.name, publication);
    const isStrict = !fanOut && how === "sent";
    const targets: Target[] = [];
    for (const row of rows) {
      const target = this.#target(publication, row);
      let hasRoom = target.how !== "put" && target.how !== "delay" ? true : rooms.take(row.name);
      if (hasRoom === undefined) {
        await rooms.look([row]);
        hasRoom = rooms.take(row.name);
      }
      if (!hasRoom && row.overflow === "drop-oldest" && (await dropOldest(row.name))) {
        rooms.comes(row.name);
        hasRoom = true;
      }
      if (hasRoom) targets.push(target);
      else if (isStrict) {
        this.#giveRoom(targets);
        return full(row);
      } else targets.push({ row, how: FULL });
    }
    return targets;
  }

  #target({ message, dueAt = 0 }: Publication, row: InboxRow): Target {
    const now = this.#options.context.clock.now();
    if ((message.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return { row, how: "expired" };
    return { row, how: dueAt > now ? "delay" : "put" };
  }
}

function copiesOf({ targets }: Pick<Plan, "targets">): PublishedCopy[] {
  return targets.map(({ row, how }) => ({
    inbox: row.name,
    state: how === "put" || how === "expired" ? "accepted" : how === "delay" ? "queued" : "dead-lettered",
  }));
}

function conflict({ message, dedupe }: Publication, firstId: string): PublishResult {
  const details = { key: dedupe?.key ?? "", sender: message.from, firstId };
  const text = `${message.from} has used this idempotency key for another message`;
  return { status: "failed", error: new AgentwireError("ID_CONFLICT", text, { details }) };
}

/** An inbox that does not exist. */
export function unknown(agent: string): AgentwireError {
  return new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${agent}"`, { details: { agent, suggestions: [] } });
}

function full({ name, capacity }: InboxRow): AgentwireError {
  const text = `The inbox of "${name}" holds ${capacity} messages and takes no more`;
  return new AgentwireError("INBOX_FULL", text, { details: { inbox: name, capacity } });
}

/** Of a failure before anything was stored. */
function asRejected(error: unknown): AgentwireError {
  if (AgentwireError.is(error) && error.code !== "ENGINE_STATE" && error.code !== "INDETERMINATE") return error;
  return new AgentwireError("REJECTED", `The message could not be stored: ${(error as Error).message}`, {
    cause: error,
  });
}

function asIndeterminate(error: unknown): AgentwireError {
  if (AgentwireError.is(error)) return error;
  return new AgentwireError("INDETERMINATE", "The engine failed while the message was being stored", { cause: error });
}
