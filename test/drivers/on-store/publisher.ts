import type { DriverContext } from "../../../src/broker/driver.ts";
import { JOURNAL_LOG, type JournaledMessage } from "../../../src/broker/journal-log.ts";
import type { Candidate, Publication, PublishedCopy, PublishResult } from "../../../src/broker/publication.ts";
import { AgentwireError } from "../../../src/errors.ts";
import type { Envelope } from "../../../src/message/envelope.ts";
import type { Store } from "../../../src/store/store.ts";
import { type Copies, targeted } from "./copies.ts";
import { type InboxRow, keyOf, levelOf, type Row } from "./row.ts";

/** What publishing needs of the broker around it. */
export interface PublisherOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly copies: Copies;
  readonly process: string;
}

/** A message for several inboxes, kept until each has its copy: any process can go on with it. */
export interface Intent {
  readonly process: string;
  readonly publication: Publication;
  readonly inboxes: readonly string[];
}

/** What a caller's key stands for. Without `copies` its first sender is under way, or has died. */
interface FirstSend {
  readonly id: string;
  readonly fingerprint: string;
  readonly copies?: readonly PublishedCopy[];
}

const FULL = { code: "INBOX_FULL", reason: "The inbox has reached its capacity." };

/** Puts messages into inboxes. */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async publish(publication: Publication, how: "sent" | "emitted"): Promise<PublishResult> {
    const { store } = this.#options;
    const { message, dedupe } = publication;
    const key = dedupe && keyOf("keys", message.from, dedupe.key);
    const first = key && (await store.get(key))?.value;
    if (first) return this.#repeat(publication, first as FirstSend);
    const inboxes = await this.#inboxes(publication, how);
    if (inboxes instanceof AgentwireError) return { status: "failed", error: inboxes };
    if (!publication.fanOut && !publication.refused && how === "sent") {
      for (const inbox of inboxes) if (!(await this.#hasRoom(inbox, publication))) return full(inbox);
    }
    if (dedupe && key) {
      const own: FirstSend = { id: message.id, fingerprint: dedupe.fingerprint };
      const taken = await store.put(key, own, { ifRevision: 0, ttl: dedupe.window });
      if (taken === undefined) return this.publish(publication, how);
    }
    return { status: "accepted", id: message.id, copies: await this.#store(publication, inboxes), duplicate: false };
  }

  /** Goes on with an intent whose process has died. */
  async adopt(intent: Intent): Promise<void> {
    const inboxes: InboxRow[] = [];
    for (const name of intent.inboxes) inboxes.push(...(await this.#inbox(name)));
    await this.#put(intent.publication, inboxes);
    await this.#options.store.delete(keyOf("intents", intent.publication.message.id));
  }

  /** A key that is taken. Where its first sender left no result, its message is stored under the first id: once, whoever does it. */
  async #repeat(publication: Publication, first: FirstSend): Promise<PublishResult> {
    const { message, dedupe } = publication;
    if (first.fingerprint !== dedupe?.fingerprint) {
      const details = { key: dedupe?.key ?? "", sender: message.from, firstId: first.id };
      const text = `${message.from} has used this idempotency key for another message`;
      return { status: "failed", error: new AgentwireError("ID_CONFLICT", text, { details }) };
    }
    if (first.copies) return { status: "accepted", id: first.id, copies: first.copies, duplicate: true };
    const inboxes = await this.#inboxes(publication, "sent");
    if (inboxes instanceof AgentwireError) return { status: "failed", error: inboxes };
    const conversationId = message.conversationId === message.id ? first.id : message.conversationId;
    const again: Envelope = { ...message, id: first.id, conversationId };
    const copies = await this.#store({ ...publication, message: again }, inboxes);
    return { status: "accepted", id: first.id, copies, duplicate: true };
  }

  async #store(publication: Publication, inboxes: readonly InboxRow[]): Promise<PublishedCopy[]> {
    const { store, context, process } = this.#options;
    const { message, dedupe, dueAt } = publication;
    const names = inboxes.map((inbox) => inbox.name);
    if (context.journal) {
      const entry = { kind: "message", at: context.clock.now(), message, recipients: names } satisfies JournaledMessage;
      await store.append(JOURNAL_LOG, [[dueAt === undefined ? entry : { ...entry, dueAt }]]);
    }
    const intent: Intent = { process, publication, inboxes: names };
    if (names.length > 1) await store.put(keyOf("intents", message.id), intent);
    const copies = await this.#put(publication, inboxes);
    if (names.length > 1) await store.delete(keyOf("intents", message.id));
    if (dedupe) {
      const done: FirstSend = { id: message.id, fingerprint: dedupe.fingerprint, copies };
      await store.put(keyOf("keys", message.from, dedupe.key), done, { ttl: dedupe.window });
    }
    return copies;
  }

  async #put(publication: Publication, inboxes: readonly InboxRow[]): Promise<PublishedCopy[]> {
    const copies: PublishedCopy[] = [];
    for (const inbox of inboxes) copies.push({ inbox: inbox.name, state: await this.#putCopy(publication, inbox) });
    return copies;
  }

  async #putCopy(publication: Publication, inbox: InboxRow): Promise<PublishedCopy["state"]> {
    const { context, copies, process } = this.#options;
    const { message, supersedes } = publication;
    const now = context.clock.now();
    if (supersedes) await copies.cancel(await this.#superseded(publication, inbox), "superseded");
    const place = (await copies.nextPlace(inbox.name)) ?? 0;
    const fresh = { message, inbox: inbox.name, place, attempt: 0, claim: 0, redelivered: false, failures: [] };
    const refused = publication.refused ?? ((await this.#makesRoom(inbox)) ? undefined : FULL);
    if (refused) {
      const about = { recipient: inbox.name, at: now };
      const record = { id: message.id, ...about, end: "dead-lettered", attempt: 0, reason: refused.code } as const;
      const deadLetter = { message, ...about, ...refused, attempts: [] };
      await copies.add({ ...fresh, state: "ended", ending: { process, record, deadLetter, emit: [] } });
      return "dead-lettered";
    }
    const { dueAt } = publication;
    if (dueAt !== undefined && dueAt > now) {
      await copies.add({ ...fresh, state: "delayed", dueAt });
      return "queued";
    }
    await copies.add({ ...fresh, state: "ready" });
    return "accepted";
  }

  async #inboxes({ to }: Publication, how: "sent" | "emitted"): Promise<InboxRow[] | AgentwireError> {
    if ("pick" in to) return (await this.#pick(to.pick)) ?? unknown(to.pick[0]?.inbox ?? "");
    const inboxes: InboxRow[] = [];
    for (const name of to) {
      const found = await this.#inbox(name);
      if (found.length === 0 && how === "sent") return unknown(name);
      inboxes.push(...found);
    }
    return inboxes;
  }

  async #inbox(name: string): Promise<InboxRow[]> {
    const entry = await this.#options.store.get(keyOf("inboxes", name));
    return entry ? [entry.value as InboxRow] : [];
  }

  async #pick(candidates: readonly Candidate[]): Promise<InboxRow[] | undefined> {
    let best: InboxRow[] | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const { inbox, concurrency } of candidates) {
      const found = await this.#inbox(inbox);
      if (found.length === 0) continue;
      const load = (await this.#waiting(inbox)).length / concurrency;
      if (load >= least) continue;
      best = found;
      least = load;
    }
    return best;
  }

  async #waiting(inbox: string): Promise<Row[]> {
    return (await this.#options.copies.of(inbox)).filter((row) => !row.ending);
  }

  async #superseded({ message, supersedes }: Publication, { name }: InboxRow): Promise<Row[]> {
    if (!supersedes) return [];
    const target = "id" in supersedes ? supersedes : { sender: message.from, key: supersedes.key };
    const found = targeted(await this.#waiting(name), target);
    return found.filter((row) => row.message.from === message.from && row.message.id !== message.id);
  }

  async #hasRoom(inbox: InboxRow, publication: Publication): Promise<boolean> {
    const waiting = await this.#waiting(inbox.name);
    if (waiting.length < inbox.capacity) return true;
    if (inbox.overflow === "drop-oldest" && waiting.some((row) => row.state !== "held")) return true;
    return (await this.#superseded(publication, inbox)).some((row) => row.state !== "held");
  }

  /** Drops the oldest of the lowest priority where that is wished for; false if the inbox stays full. */
  async #makesRoom({ name, capacity, overflow }: InboxRow): Promise<boolean> {
    const waiting = await this.#waiting(name);
    if (waiting.length < capacity) return true;
    if (overflow !== "drop-oldest") return false;
    for (const state of ["ready", "delayed"]) {
      const candidates = waiting.filter((row) => row.state === state);
      candidates.sort((a, b) => levelOf(b) - levelOf(a) || a.place - b.place);
      for (const row of candidates) if (await this.#options.copies.endWaiting(row, "dropped")) return true;
    }
    return false;
  }
}

function unknown(agent: string): AgentwireError {
  return new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${agent}"`, { details: { agent, suggestions: [] } });
}

function full({ name, capacity }: InboxRow): PublishResult {
  const text = `The inbox of "${name}" holds ${capacity} messages and takes no more`;
  return { status: "failed", error: new AgentwireError("INBOX_FULL", text, { details: { inbox: name, capacity } }) };
}
