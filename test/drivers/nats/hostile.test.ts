import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, expect, it } from "vitest";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { acknowledge, idsOf, message, send, taking, until } from "../../support/deliveries.ts";
import { describeWithServers } from "../../support/servers.ts";
import { freshScope, type NatsDriver, openDriver } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A bus on a server, and a program that writes into its subjects what it likes. */
interface Victim {
  readonly driver: NatsDriver;
  readonly events: DriverEvent[];
  readonly program: NatsConnection;
  /** Where messages of priority `normal` for an inbox go. */
  subject(inbox: string): string;
}

async function victim(url: string): Promise<Victim> {
  const scope = freshScope();
  const events: DriverEvent[] = [];
  const driver = await openDriver(url, { scope }, events);
  closing.push(async () => {
    await driver.broker.close();
    await driver.store.close();
  });
  for (const name of ["ann", "bob"]) await driver.broker.declareInbox({ name });
  const program = await connect({ servers: url.slice("nats://".length) });
  closing.push(() => program.close());
  return { driver, events, program, subject: (inbox) => `agentwire.${scope.replace("/", "=2f")}.inbox.${inbox}.2` };
}

async function lettersOf({ store }: NatsDriver, inbox: string): Promise<{ readonly code: string }[]> {
  return (await store.list(`dead-letters/${inbox}/`)).map(({ value }) => value as { code: string });
}

describeWithServers("nats", "B60 what other programs write into the subjects of a bus", (start) => {
  let url: Promise<string> | undefined;
  const shared = (): Promise<string> => (url ??= start().then((server) => server.url));

  it("puts what cannot be read among the dead letters, whatever it is, and goes on", { timeout: 30_000 }, async () => {
    const { driver, events, program, subject } = await victim(await shared());
    const { given } = await taking(driver.broker, "ann");
    const good = [message(), message()];
    const large = headers();
    for (let line = 0; line < 60; line++) large.set(`Line-${line}`, "x".repeat(1_000));
    const forged = headers();
    forged.set("Agentwire-Head", '{"a":"1e9","f":7}');
    const bodies: readonly (readonly [body: string | Uint8Array, headers?: ReturnType<typeof headers>])[] = [
      [JSON.stringify({ ...message(), id: undefined })],
      [JSON.stringify({ ...message(), payload: undefined, from: 7 })],
      ["[".repeat(1_000_000)],
      [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
      // As if the server had said that there is nothing, or nobody.
      ["", headers(404, "No Messages")],
      ["", headers(503, "No Responders")],
    ];
    for (const [body, more] of bodies)
      await program.request(subject("ann"), body, more === undefined ? undefined : { headers: more, timeout: 5_000 });
    for (const [at, more] of [large, forged].entries())
      await program.request(subject("ann"), JSON.stringify(good[at]), { headers: more, timeout: 5_000 });
    await until(async () => (await lettersOf(driver, "ann")).length === bodies.length);
    await until(() => given.length === good.length);
    for (const letter of await lettersOf(driver, "ann")) {
      expect(["DECODE_FAILED", "ENVELOPE_INVALID"]).toContain(letter.code);
      expect(JSON.stringify(letter).length).toBeLessThan(200_000);
    }
    expect(given.map(({ message: { id }, attempt }) => [id, attempt])).toEqual(good.map(({ id }) => [id, 1]));
    const ids = await send(driver.broker, "ann", 2);
    await until(() => given.length === 4);
    expect(idsOf(given).slice(2)).toEqual(ids);
    for (const delivery of given) expect(await acknowledge(delivery)).toBe("settled");
    const [status] = await driver.broker.inspect(["ann"], { peek: 10 });
    expect(status).toMatchObject({ accepted: 10, waiting: 0, messages: [] });
    expect(events.filter(({ type }) => type === "driver.quarantined")).toHaveLength(bodies.length);
  });

  it("looks past a message with a status of its own", async () => {
    const { driver, program, subject } = await victim(await shared());
    await program.request(subject("ann"), "", { headers: headers(404, "No Messages"), timeout: 5_000 });
    await program.request(subject("ann"), "", { headers: headers(503, "No Responders"), timeout: 5_000 });
    const ids = await send(driver.broker, "ann", 2);
    const [status] = await driver.broker.inspect(["ann"], { peek: 10 });
    expect(status?.messages?.map((one) => one.message.id)).toEqual(ids);
  });

  it("takes the server's answer that another program had sent to an inbox for none of its messages", async () => {
    const { driver, program, subject } = await victim(await shared());
    const [ann, bob] = [await taking(driver.broker, "ann"), await taking(driver.broker, "bob")];
    const foreign = message();
    program.publish(subject("ann"), JSON.stringify(foreign), { reply: subject("bob") });
    await until(() => ann.given.length === 1);
    await until(async () => (await lettersOf(driver, "bob")).length === 1);
    const ids = await send(driver.broker, "bob", 1);
    await until(() => bob.given.length === 1);
    expect([idsOf(ann.given), idsOf(bob.given)]).toEqual([[foreign.id], ids]);
    expect(await lettersOf(driver, "bob")).toMatchObject([{ code: "ENVELOPE_INVALID" }]);
  });

  it("stores a message whose name another program has given to one of its own", async () => {
    const { driver, program, subject } = await victim(await shared());
    const fanOut = message();
    const others = [message(), message()];
    for (const [at, inbox] of ["ann", "bob"].entries()) {
      const forged = headers();
      forged.set("Nats-Msg-Id", `${fanOut.id}:${inbox}`);
      await program.request(subject(inbox), JSON.stringify(others[at]), { headers: forged, timeout: 5_000 });
    }
    const [result] = await driver.broker.publish([{ message: fanOut, to: ["ann", "bob"], fanOut: true }]);
    expect(result).toMatchObject({ status: "accepted" });
    for (const [at, inbox] of ["ann", "bob"].entries()) {
      const { given } = await taking(driver.broker, inbox);
      await until(() => given.length === 2);
      expect(idsOf(given)).toEqual([others[at]?.id, fanOut.id]);
    }
  });
});
