import type { DriverContext } from "../../broker/driver.ts";
import type { Publication, PublishedCopy, PublishResult } from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import { PRIORITIES } from "../../message/envelope.ts";
import { compared, storedBody } from "./body.ts";
import type { Row } from "./connection.ts";
import type { Server } from "./session.ts";
import { Turns } from "./turns.ts";

/** A publication with its message already in stored form. */
export interface EncodedPublication {
  readonly publication: Publication;
  readonly body: string;
  /** The envelope as JSON, where the body is not. */
  readonly json: string | null;
}

interface Item extends EncodedPublication {
  readonly done: (result: PublishResult) => void;
}

/** What publishing needs around it. */
export interface PublisherOptions {
  readonly server: Server;
  readonly context: DriverContext;
  /** Inboxes that had a consumer waiting, which may be one of this process. */
  onHungry(inboxes: readonly number[]): void;
  /** Something becomes due or expires, in wall milliseconds. */
  onTime(at: number): void;
}

/** A transaction stores at most so many messages. */
const MOST = 512;
const DATA_FAULT = /^22/;

const PLAIN = {
  name: "publish_plain",
  text: "SELECT publish_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS hungry",
};
const PUBLISH = { name: "publish", text: "SELECT results, hungry FROM publish($1, $2, $3, $4, $5, $6)" };

/** Stores messages: all that one turn of the event loop sends, and all that is sent while an earlier batch is under way, together. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #turns = new Turns<Item>(MOST, (items) => this.#store(items));

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  publish(publication: Publication): Promise<PublishResult> {
    return new Promise((done) => {
      let encoded: EncodedPublication;
      try {
        encoded = this.encode(publication);
      } catch (error) {
        return done({ status: "failed", error: asRejected(error) });
      }
      this.#turns.add({ ...encoded, done });
    });
  }

  encode(publication: Publication): EncodedPublication {
    const { codec } = this.#options.context;
    const body = storedBody(codec, publication.message);
    return { publication, body, json: codec.name === "json" ? null : JSON.stringify(publication.message) };
  }

  async #store(items: readonly Item[]): Promise<void> {
    try {
      if (this.#options.context.journal || !items.every(isPlain) || !(await this.#storePlain(items)))
        await this.#storeEach(items);
    } catch (error) {
      // What the server cannot keep is not to spoil its neighbours.
      if (items.length > 1 && isDataFault(error)) for (const item of items) await this.#store([item]);
      else for (const { done } of items) done({ status: "failed", error: asRejected(error) });
    }
  }

  /** Stores them all at once; false, and nothing stored, where one has to be looked at by itself. */
  async #storePlain(items: readonly Item[]): Promise<boolean> {
    const { server, context } = this.#options;
    const routes = new Set(items.map(({ publication }) => publication.routedAt));
    routes.delete(undefined);
    if (routes.size > 1) return false;
    const [routedAt = null] = routes;
    const rows = new PlainRows();
    for (const item of items) rows.add(item);
    const { hungry } = await server.row("Publishing", {
      ...PLAIN,
      values: [context.scope, server.peer, routedAt, ...rows.values()],
    });
    if (hungry === null) return false;
    for (const { publication, done } of items) {
      const { message, to } = publication;
      if (message.expiresAt !== undefined) this.#options.onTime(message.expiresAt);
      done({ status: "accepted", id: message.id, copies: (to as readonly string[]).map(accepted), duplicate: false });
    }
    this.#options.onHungry(hungry as readonly number[]);
    return true;
  }

  async #storeEach(items: readonly Item[]): Promise<void> {
    const { server, context } = this.#options;
    const values = [
      context.scope,
      server.peer,
      specsOf(items),
      items.map(({ body }) => body),
      items.map(({ json }) => json),
      context.journal === true,
    ];
    const { results, hungry } = await server.row("Publishing", { ...PUBLISH, values });
    items.forEach(({ publication, done }, at) => {
      const { dueAt, message } = publication;
      if (dueAt !== undefined) this.#options.onTime(dueAt);
      if (message.expiresAt !== undefined) this.#options.onTime(message.expiresAt);
      done(resultOf((results as readonly Row[])[at] as Row, publication));
    });
    this.#options.onHungry(hungry as readonly number[]);
  }
}

/** What goes into the rows of plain messages, as columns. */
class PlainRows {
  readonly #places = new Map<string, number>();
  readonly #counts: number[] = [];
  readonly #keyed: boolean[] = [];
  readonly #columns: unknown[][] = Array.from({ length: 10 }, () => []);

  add({ publication: { message, to }, body }: Item): void {
    const { id, type, from, expiresAt = null, key, orderKey, priority } = message;
    for (const name of to as readonly string[]) {
      const place = this.#place(name);
      this.#keyed[place] ||= orderKey !== undefined;
      const nth = (this.#counts[place] = (this.#counts[place] as number) + 1);
      const row = [place + 1, nth, levelOf(priority), id, type, from, expiresAt, hashOf(key), hashOf(orderKey), body];
      for (let at = 0; at < row.length; at++) this.#columns[at]?.push(row[at]);
    }
  }

  values(): unknown[] {
    return [[...this.#places.keys()], this.#counts, this.#keyed, ...this.#columns];
  }

  #place(name: string): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(name, place);
    this.#counts.push(0);
    this.#keyed.push(false);
    return place;
  }
}

/** Whether a message asks for nothing but to be put at the end of inboxes. */
function isPlain({ publication }: Item): boolean {
  const { to, dueAt, dedupe, supersedes, limit, refused, attempt } = publication;
  if ("pick" in to || to.length === 0 || new Set(to).size < to.length) return false;
  return !(dueAt !== undefined || dedupe || supersedes || limit || refused || attempt);
}

/** What is said of messages, as the procedures read it. */
export function specsOf(encoded: readonly EncodedPublication[]): string {
  const specs = encoded.map(({ publication }) => {
    const { message, to, fanOut, limit, dueAt, dedupe, supersedes, routedAt, refused, attempt } = publication;
    return {
      i: message.id,
      y: message.type,
      f: message.from,
      l: levelOf(message.priority),
      e: message.expiresAt,
      d: dueAt,
      a: attempt,
      ...("pick" in to ? { p: to.pick.map(({ inbox, concurrency }) => [inbox, concurrency]) } : { t: to }),
      o: fanOut ? 1 : undefined,
      r: routedAt,
      n: message.key === undefined ? undefined : compared(message.key),
      k: message.orderKey === undefined ? undefined : compared(message.orderKey),
      s: supersedes && "id" in supersedes ? supersedes.id : undefined,
      u: supersedes && "key" in supersedes ? compared(supersedes.key) : undefined,
      lm: limit && [limit.name, limit.capacity, limit.overflow],
      no: refused && [refused.code, refused.reason],
      dk: dedupe && compared(`${message.from}\n${dedupe.key}`),
      df: dedupe?.fingerprint,
      dw: dedupe?.window,
    };
  });
  // A database's text holds every character but this one.
  return JSON.stringify(specs).replaceAll("\\u0000", "\\ufffd");
}

function hashOf(text: string | undefined): string | null {
  return text === undefined ? null : compared(text);
}

function levelOf(priority: string): number {
  const level = (PRIORITIES as readonly string[]).indexOf(priority);
  return level === -1 ? 2 : level;
}

function accepted(inbox: string): PublishedCopy {
  return { inbox, state: "accepted" };
}

function resultOf(row: Row, { message, dedupe, limit }: Publication): PublishResult {
  const { id, copies, double, conflict, stale, unknown, full, capacity, whole } = row;
  if (stale === true) return { status: "stale" };
  if (typeof unknown === "string")
    return failed("AGENT_NOT_FOUND", `There is no inbox "${unknown}"`, { agent: unknown, suggestions: [] });
  if (typeof conflict === "string")
    return failed("ID_CONFLICT", `${message.from} has used the idempotency key "${dedupe?.key}" for another message`, {
      key: dedupe?.key,
      sender: message.from,
      firstId: conflict,
    });
  if (typeof full === "string") {
    const most = whole === true ? (capacity as number) : limit?.capacity;
    const of = whole === true ? "" : ` of ${limit?.name}`;
    return failed("INBOX_FULL", `The inbox of "${full}" holds ${most} messages${of} and takes no more`, {
      inbox: full,
      capacity: most,
    });
  }
  return {
    status: "accepted",
    id: id as string,
    copies: copies as readonly PublishedCopy[],
    duplicate: double === true,
  };
}

function failed(
  code: "AGENT_NOT_FOUND" | "ID_CONFLICT" | "INBOX_FULL",
  message: string,
  details: Readonly<Record<string, unknown>>,
): PublishResult {
  return { status: "failed", error: new AgentwireError(code, message, { details: details as never }) };
}

/** Whether the server could not keep some value of a statement. */
function isDataFault(error: unknown): boolean {
  const { sqlState } = ((error as AgentwireError).details ?? {}) as { readonly sqlState?: unknown };
  return typeof sqlState === "string" && DATA_FAULT.test(sqlState);
}

/** Why a message was not stored; where no answer came it may have been. */
function asRejected(error: unknown): AgentwireError {
  if (AgentwireError.is(error) && error.code !== "ENGINE_STATE") return error;
  return new AgentwireError("REJECTED", `The message was not stored: ${(error as Error).message}`, { cause: error });
}
