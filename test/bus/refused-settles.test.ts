import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, type BusEvent, connect, defineAgent, defineMessage } from "agentwire";
import { FakeClock, testBus } from "agentwire/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { assemble } from "../../src/connect.ts";
import type { Connection } from "../../src/drivers/sqlite/connection.ts";
import { loadDriver } from "../../src/drivers.ts";
import { failure } from "../support/buses.ts";
import { openDatabase } from "../support/database-file.ts";

const Note = defineMessage("note", z.object({ n: z.number() }));

describe("dead letters that cannot be written, on sqlite", () => {
  let folder: string;
  let url: string;
  let bus: Bus;
  let file: Connection;
  let faults: BusEvent[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "agentwire-refused-"));
    url = `sqlite:${join(folder, "bus.db")}`;
    bus = await connect(url, { logger: false });
    file = openDatabase(join(folder, "bus.db"));
    file.exec(`CREATE TRIGGER full BEFORE INSERT ON kv WHEN NEW.key LIKE '%:dead-letters/%'
      BEGIN SELECT RAISE(ABORT, 'dead letters are full'); END`);
    faults = [];
    bus.events.on("driver.fault", (event) => faults.push(event));
  });
  afterEach(async () => {
    await bus.close({ grace: 100 });
    file.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const alert = async (count: number): Promise<void> => {
    while (faults.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it("leaves the message in its inbox, tells it, handles the others, and gives it up once it can [dead.refused]", async () => {
    let handled = 0;
    const worker = await bus.join(
      defineAgent({ name: "worker" }).on(Note, ({ payload }, context) => {
        handled++;
        if (payload.n === 0) context.reject("poison");
      }),
    );
    const receipt = await bus.send(Note, { n: 0 }, { to: worker.name });
    await alert(1);
    expect(faults[0]).toMatchObject({
      driver: "sqlite",
      details: { inbox: "worker", id: receipt.id, outcome: "dead-lettered", code: "REJECTED" },
    });
    expect((await bus.health()).status).toBe("degraded");
    const other = await bus.send(Note, { n: 1 }, { to: worker.name });
    expect((await other.settled()).ends).toEqual({ worker: "acknowledged" });
    expect((await bus.inboxes.get("worker"))?.waiting).toBe(1);
    expect(await bus.deadLetters.list()).toEqual([]);
    file.exec("DROP TRIGGER full");
    expect((await receipt.settled()).ends).toEqual({ worker: "dead-lettered" });
    expect(await bus.deadLetters.list()).toMatchObject([{ code: "HANDLER_REJECTED", reason: "poison" }]);
    expect(handled).toBe(2);
    expect((await bus.health()).status).toBe("ok");
  });

  it("gives it back when the agent leaves before that", async () => {
    const definition = defineAgent({ name: "worker" }).on(Note, (_message, context) => context.reject("poison"));
    const first = await bus.join(definition);
    const receipt = await bus.send(Note, { n: 0 }, { to: "worker" });
    await alert(1);
    await first.leave();
    file.exec("DROP TRIGGER full");
    await bus.join(definition);
    expect((await receipt.settled()).ends).toEqual({ worker: "dead-lettered" });
    expect(await bus.deadLetters.list()).toHaveLength(1);
  });

  it("lets a puller try again what was refused", async () => {
    const worker = await bus.join(defineAgent({ name: "worker", receives: [Note] }));
    await bus.send(Note, { n: 0 }, { to: "worker" });
    const [delivery] = await worker.receive();
    expect(await failure(delivery?.reject("poison") as Promise<void>)).toMatchObject({ code: "REJECTED" });
    file.exec("DROP TRIGGER full");
    await delivery?.reject("poison");
    expect(await bus.deadLetters.list()).toMatchObject([{ reason: "poison" }]);
  });

  it("keeps a stored message that cannot be read, and goes on with the others", async () => {
    const receipt = await bus.send(Note, { n: 0 }, { to: "worker", ifUnknown: "hold" });
    file.prepare("UPDATE ready SET body = '{' WHERE id = ?").run(receipt.id);
    await bus.close();
    const clock = new FakeClock({ now: Date.now() });
    bus = await assemble(url, { logger: false }, { clock, random: Math.random, loadDriver });
    bus.events.on("driver.fault", (event) => faults.push(event));
    await bus.join(defineAgent({ name: "worker" }).on(Note, () => {}));
    const other = await bus.send(Note, { n: 1 }, { to: "worker" });
    expect((await other.settled()).ends).toEqual({ worker: "acknowledged" });
    await alert(1);
    expect(faults[0]).toMatchObject({ details: { inbox: "worker", id: receipt.id } });
    expect((await bus.inboxes.get("worker"))?.waiting).toBe(1);
    file.exec("DROP TRIGGER full");
    await clock.advance(33_000);
    while ((await bus.inboxes.get("worker"))?.ended["dead-lettered"] !== 1) await new Promise(setImmediate);
    expect(await bus.deadLetters.list()).toMatchObject([{ code: "DECODE_FAILED" }]);
  });
});

it("whatever of its settles an engine refuses, each message ends once", async () => {
  const bus = await testBus({ faults: { refuseSettle: 0.7 } });
  try {
    let handled = 0;
    await bus.join(
      defineAgent({ name: "worker", retry: { attempts: 2, backoff: "immediate" } }).on(Note, ({ payload }) => {
        handled++;
        if (payload.n % 2 === 0) throw new Error("poison");
      }),
    );
    const receipts = await Promise.all(Array.from({ length: 40 }, (_, n) => bus.send(Note, { n }, { to: "worker" })));
    while (((await bus.inboxes.get("worker"))?.waiting ?? 0) > 0) await bus.clock.advance("10s");
    const ends = await Promise.all(receipts.map(async (receipt) => (await receipt.settled()).ends["worker"]));
    expect(ends, `seed ${bus.seed}`).toEqual(receipts.map((_, n) => (n % 2 === 0 ? "dead-lettered" : "acknowledged")));
    expect(await bus.deadLetters.list()).toHaveLength(20);
    expect(handled).toBe(60);
  } finally {
    await bus.close();
  }
});
