import pg from "pg";
import { startPostgres } from "../../scripts/servers/postgres.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { type BenchEnvelope, envelope, filler, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import type { Side } from "../harness/task.ts";

const BATCH = 100;
const TABLE = `
  CREATE TABLE queue (level smallint NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY, held boolean NOT NULL DEFAULT false, body text NOT NULL);
  CREATE UNIQUE INDEX queue_waiting ON queue (level, place) WHERE NOT held;
  CREATE UNIQUE INDEX queue_place ON queue (place)`;
const INSERT = {
  name: "insert",
  text: "INSERT INTO queue (level, body) SELECT l, b FROM unnest($1::smallint[], $2::text[]) AS m(l, b)",
};
const CLAIM = {
  name: "claim",
  text: `UPDATE queue SET held = true WHERE place IN (
    SELECT place FROM queue WHERE NOT held ORDER BY level, place LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING place, body`,
};
const ACKNOWLEDGE = { name: "acknowledge", text: "DELETE FROM queue WHERE place = ANY ($1::bigint[])" };

/** The client library without anything around it: one connection that sends, one that takes and acknowledges, batches of 100. */
class RawPostgres implements Queue {
  readonly #sending: pg.Client;
  readonly #taking: pg.Client;
  readonly #text: string;
  #ending = false;
  #consuming: Promise<void> | undefined;

  constructor(clients: { readonly sending: pg.Client; readonly taking: pg.Client }, text: string) {
    this.#sending = clients.sending;
    this.#taking = clients.taking;
    this.#text = text;
  }

  send(sequence: number): Promise<unknown> {
    return this.sendMany([sequence]);
  }

  sendMany(sequences: readonly number[]): Promise<unknown> {
    const bodies = sequences.map((sequence) => JSON.stringify(envelope(sequence, this.#text)));
    return this.#sending.query({ ...INSERT, values: [sequences.map(levelOf), bodies] });
  }

  start(handle: (sequence: number) => void): void {
    this.#consuming = this.#consume(handle);
  }

  async settled(): Promise<void> {
    while ((await this.remaining()) > 0);
  }

  async remaining(): Promise<number> {
    const { rows } = await this.#sending.query("SELECT count(*)::integer AS left FROM queue");
    return rows[0].left as number;
  }

  async close(): Promise<void> {
    this.#ending = true;
    await this.#consuming;
    await Promise.all([this.#sending.end(), this.#taking.end()]);
  }

  async #consume(handle: (sequence: number) => void): Promise<void> {
    while (!this.#ending) {
      const { rows } = await this.#taking.query<{ place: string; body: string }>(CLAIM);
      for (const { body } of rows) handle((JSON.parse(body) as BenchEnvelope).payload.sequence);
      if (rows.length > 0) await this.#taking.query({ ...ACKNOWLEDGE, values: [rows.map(({ place }) => place)] });
    }
  }
}

/** Raw PostgreSQL in batches of 100. Settings: `phase`, `manner` (`bulk100`). */
export const rawPostgres: Side = async (task) => {
  const server = await startPostgres({ folder: task.folder });
  const [sending, taking] = [new pg.Client(server.url), new pg.Client(server.url)];
  await Promise.all([sending.connect(), taking.connect()]);
  await sending.query(TABLE);
  const figures = await measureQueue(task, new RawPostgres({ sending, taking }, filler(task.size)));
  await server.stop();
  return figures;
};
