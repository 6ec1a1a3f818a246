import type { Msg } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadClientLibrary } from "../../../src/drivers/nats/client-library.ts";
import { Connection } from "../../../src/drivers/nats/connection.ts";
import { LevelPull, type NatsArrival } from "../../../src/drivers/nats/level-pull.ts";
import { parseOptions } from "../../../src/drivers/nats/options.ts";
import { readAll } from "../../../src/drivers/nats/reading.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { describeOn } from "../../support/servers.ts";
import { freshScope } from "./engine.ts";

// What the server leaves unanswered is asked for again after 5 or 10 s otherwise.
describeOn("nats", "an answer that the server owes", (server) => {
  let connection: Connection;
  let stream: string;

  beforeEach(async () => {
    const options = { clock: systemClock, lost: () => {} };
    connection = await Connection.open(await loadClientLibrary(), parseOptions(server.url), options);
    stream = freshScope().replace("/", "-");
  });

  afterEach(() => connection.close());

  // Those that ask at once for one message are all told that there is one; to the others the server says nothing more.
  it("is not waited for by a pull of what another took, which takes what comes later", { timeout: 4_000 }, async () => {
    await connection.api(`STREAM.CREATE.${stream}`, { name: stream, subjects: [stream], retention: "workqueue" });
    const config = { durable_name: "taker", ack_policy: "explicit", max_ack_pending: -1 };
    await connection.api(`CONSUMER.DURABLE.CREATE.${stream}.taker`, { stream_name: stream, config });
    const pull = (): LevelPull =>
      new LevelPull({
        connection,
        clock: systemClock,
        inbox: "inbox",
        level: 2,
        came: () => {},
        queues: {
          ensureConsumer: async () => {},
          consumerGone: () => {},
          pull: (_inbox, _level, { batch, deliver, wait }) => {
            const how = wait === undefined ? { no_wait: true } : { expires: wait * 1_000_000 };
            connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.taker`, JSON.stringify({ batch, ...how }), deliver);
          },
          arrivalOf: ({ reply = "" }) => ({ reply, delivered: 1, pending: 0 }) as NatsArrival,
          returnUntouched: () => {},
        },
      });
    const pulls = [pull(), pull(), pull(), pull()];
    for (let count = 1; count <= 4; count++) {
      await connection.store(stream, "one");
      await Promise.all(pulls.map((one) => one.ask(1)));
      expect(pulls.flatMap(({ kept }) => kept).length).toBe(count);
    }
    for (const one of pulls) one.end();
  });

  it("is not waited for by a reader of what was removed after it was counted", { timeout: 4_000 }, async () => {
    await connection.api(`STREAM.CREATE.${stream}`, { name: stream, subjects: [stream] });
    for (const text of ["one", "two"]) await connection.store(stream, text);
    const counting = between(connection, {
      api: async (subject: string, question: unknown) => {
        const answer = await connection.api<{ num_pending: number }>(subject, question);
        return subject.startsWith("CONSUMER.CREATE") ? { ...answer, num_pending: answer.num_pending + 1 } : answer;
      },
    });
    const found = await readAll(counting, stream, { filter: stream });
    expect(found.map(({ data }) => Buffer.from(data).toString())).toEqual(["one", "two"]);
  });

  it("is not taken for had by a reader of values because another comes twice", async () => {
    await connection.api(`STREAM.CREATE.${stream}`, { name: stream, subjects: [`${stream}.*`] });
    for (const key of ["a", "b"]) await connection.store(`${stream}.${key}`, key);
    const doubling = between(connection, {
      subscribe: (subject: string, heard: (message: Msg) => void) =>
        connection.subscribe(subject, (message) => {
          heard(message);
          if (message.subject.endsWith(".a")) heard(message);
        }),
    });
    const found = await readAll(doubling, stream, { filter: `${stream}.*` });
    expect(new Set(found.map((one) => one.subject))).toEqual(new Set([`${stream}.a`, `${stream}.b`]));
  });
});

/** A connection with some calls of its own. */
function between(connection: Connection, calls: object): Connection {
  return {
    ownSubject: () => connection.ownSubject(),
    subscribe: (...call: Parameters<Connection["subscribe"]>) => connection.subscribe(...call),
    publish: (...call: Parameters<Connection["publish"]>) => connection.publish(...call),
    during: <T>(work: Promise<T>) => connection.during(work),
    api: (subject: string, question: unknown) => connection.api(subject, question),
    ...calls,
  } as unknown as Connection;
}
