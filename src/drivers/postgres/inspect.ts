import type { DriverContext } from "../../broker/driver.ts";
import type { InboxOverflow, InboxStatus, Waiting } from "../../broker/inbox.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import { ENDS, type End } from "../../message/receipt-record.ts";
import { encodedIn } from "./body.ts";
import type { Row } from "./connection.ts";
import { holdOf, rowAt } from "./procedures/keys.ts";
import type { Server } from "./session.ts";

/** Levels from here on are those of delayed copies. */
const DELAYED = 8;

const STATUS = `SELECT i.*,
    (SELECT count(*) FROM held h WHERE h.inbox = i.id) AS held,
    (SELECT count(*) FROM copy c WHERE c.inbox = i.id AND c.level >= ${DELAYED}) AS delayed,
    (SELECT count(*) FROM consumer k WHERE k.inbox = i.id AND NOT k.closing) AS consumers,
    ARRAY(SELECT c.body FROM generate_series(0, ${DELAYED + PRIORITIES.length - 1}) AS l(level), LATERAL (
      SELECT x.body FROM copy x WHERE x.inbox = i.id AND x.level = l.level AND x.place >= coalesce(i.lows[l.level + 1], 0) ORDER BY x.place LIMIT 1) c) AS firsts
  FROM inbox i WHERE i.scope = $1 AND ($2::text[] IS NULL OR i.name = ANY ($2)) ORDER BY i.name`;

const COPY = `c.level, c.attempt, c.due_at, c.body, h.instance, h.offered_at`;
const PEEK = `(SELECT ${COPY} FROM held h, ${rowAt("copy", "c", { inbox: "h.inbox", k: "h" })}
    WHERE h.inbox = $1 ORDER BY h.level, h.place LIMIT $2)
  UNION ALL (SELECT ${COPY} FROM copy c LEFT JOIN held h ON false WHERE c.inbox = $1 AND c.level < ${DELAYED}
    AND ${holdOf("c")} IS NULL ORDER BY c.level, c.place LIMIT $2)
  UNION ALL (SELECT ${COPY} FROM copy c LEFT JOIN held h ON false WHERE c.inbox = $1 AND c.level >= ${DELAYED} ORDER BY c.due_at, c.place LIMIT $2)
  LIMIT $2`;
const FIND = `SELECT i.name, ${COPY} FROM copy c JOIN inbox i ON i.id = c.inbox AND i.scope = $2
  LEFT JOIN ${rowAt("held", "h", { inbox: "c.inbox", k: "c" })} ON true WHERE c.id = $1`;

/** Reads what inboxes hold; takes nothing. */
export class Inspector {
  readonly #server: Server;
  readonly #context: DriverContext;

  constructor(server: Server, context: DriverContext) {
    this.#server = server;
    this.#context = context;
  }

  async inspect(names: readonly string[] | undefined, peek: number): Promise<InboxStatus[]> {
    const rows = await this.#server.call("Looking at inboxes", {
      text: STATUS,
      values: [this.#context.scope, names ?? null],
    });
    const statuses = rows.map((row) => this.#status(row));
    if (peek === 0) return statuses;
    const peeks = rows.map(async (row) => {
      const copies = await this.#server.call("Looking into an inbox", { text: PEEK, values: [row["id"], peek] });
      return copies.flatMap((copy) => this.#waiting(row["name"] as string, copy));
    });
    const found = await Promise.all(peeks);
    return statuses.map((status, at) => ({ ...status, messages: found[at] as Waiting[] }));
  }

  /** Where the copies of one message wait. */
  async find(id: string): Promise<Waiting[]> {
    const rows = await this.#server.call("Looking for a message", { text: FIND, values: [id, this.#context.scope] });
    return rows.flatMap((row) => this.#waiting(row["name"] as string, row));
  }

  #status(row: Row): InboxStatus {
    const created = (row["firsts"] as readonly string[]).flatMap((body) => this.#read(body)?.createdAt ?? []);
    return {
      name: row["name"] as string,
      capacity: row["capacity"] as number,
      overflow: row["overflow"] as InboxOverflow,
      paused: row["paused"] as boolean,
      waiting: row["waiting"] as number,
      held: row["held"] as number,
      delayed: row["delayed"] as number,
      accepted: row["accepted"] as number,
      ended: Object.fromEntries(ENDS.map((end) => [end, row[end.replace("-", "_")]])) as Record<End, number>,
      ...(created.length === 0 ? {} : { oldest: Math.min(...created) }),
      consumers: row["consumers"] as number,
    };
  }

  #waiting(inbox: string, row: Row): Waiting[] {
    const message = this.#read(row["body"] as string);
    if (!message) return [];
    const { level, attempt, due_at: dueAt, instance, offered_at: offeredAt } = row;
    const isHeld = instance !== null;
    const isDelayed = (level as number) >= DELAYED;
    return [
      {
        inbox,
        message,
        attempt: (attempt as number) + (isHeld ? 1 : 0),
        state: isHeld ? "held" : isDelayed ? "delayed" : "ready",
        priority: PRIORITIES[(level as number) % DELAYED] ?? "normal",
        ...(isDelayed ? { dueAt: dueAt as number } : {}),
        ...(isHeld ? { instance: instance as string, offeredAt: offeredAt as number } : {}),
      },
    ];
  }

  #read(body: string): Envelope | undefined {
    try {
      return this.#context.codec.decode(encodedIn(body, this.#context.codec));
    } catch {
      // It is quarantined when its turn comes; looking changes nothing.
      return undefined;
    }
  }
}
