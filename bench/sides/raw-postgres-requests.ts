import pg from "pg";
import { startPostgres } from "../../scripts/servers/postgres.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { type Side, textSetting } from "../harness/task.ts";

const TABLE = "CREATE TABLE message (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)";
const SEND = {
  name: "send",
  text: "WITH put AS (INSERT INTO message (body) VALUES ($2)) SELECT pg_notify($1, $3)",
};

/** Stores a body in a synced commit, and says a number on a channel. */
function send(
  client: pg.Client,
  channel: string,
  body: { readonly text: string; readonly say: number },
): Promise<unknown> {
  return client.query({ ...SEND, values: [channel, body.text, String(body.say)] });
}

/**
 * The least that a durable request and its reply between two processes cost over a server: two synced commits of one row,
 * each of which notifies the other process.
 */
export const rawPostgresRequests: Side = async (task) => {
  const server = await startPostgres({ folder: task.folder });
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(`${TABLE}; LISTEN answers`);
  const settings = { ...task.settings, url: server.url };
  const partner = await startPartner({ ...task, side: "raw-postgres-answerer", settings });
  const text = filler(task.size);
  const figures = await measureRoundTrips(task, async (sequence) => {
    const answer = new Promise<{ sequence: number }>((resolve) =>
      client.once("notification", ({ payload }) => resolve({ sequence: Number(payload) })),
    );
    await send(client, "questions", { text: JSON.stringify(envelope(sequence, text)), say: sequence });
    return answer;
  });
  await partner.stop();
  await client.end();
  await server.stop();
  return figures;
};

/** The other process. Settings: `url`. */
export const rawPostgresAnswerer: Side = async (task) => {
  const client = new pg.Client(textSetting(task, "url"));
  await client.connect();
  await client.query("LISTEN questions");
  client.on("notification", ({ payload }) => {
    const sequence = Number(payload);
    send(client, "answers", { text: JSON.stringify(envelope(sequence, "")), say: sequence }).catch(() => {});
  });
  return partnerReady();
};
