import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import { deadLetterKey } from "../../../src/broker/receipt-log.ts";
import { type Connection, pragma } from "../../../src/drivers/sqlite/connection.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import type { DeadLetter } from "../../../src/message/receipt-record.ts";
import { openDatabase } from "../../support/database-file.ts";
import { Collected, driverOn, message, Workbench } from "./setup.ts";

describe("files that are not as they should be", () => {
  let bench: Workbench;

  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.dispose());

  /** A closed file of ours with some messages in it. */
  async function filled(): Promise<void> {
    const { broker } = driverOn(bench.path);
    await broker.open();
    await broker.declareInbox({ name: "inbox" });
    await broker.publish(
      Array.from({ length: 200 }, (_, at) => ({
        message: message(`m${at}`, { payload: "x".repeat(500) }),
        to: ["inbox"],
      })),
    );
    await broker.close();
  }

  /** Changes the closed file behind the driver's back. */
  function edit(change: (db: Connection) => void): void {
    const db = openDatabase(bench.path);
    change(db);
    db.close();
  }

  /** Opening fails with a code and leaves the file as it was. */
  async function refuses(code: ErrorCode, path = bench.path): Promise<void> {
    const before = existsSync(path) ? readFileSync(path) : undefined;
    const { broker } = driverOn(path);
    await expect(broker.open()).rejects.toMatchObject({ code });
    if (before) expect(readFileSync(path).equals(before)).toBe(true);
    else expect(existsSync(path)).toBe(false);
  }

  it("refuses a truncated file", async () => {
    await filled();
    truncateSync(bench.path, Math.floor(statSync(bench.path).size / 2 / 8192) * 8192);
    await refuses("STORE_CORRUPT");
  });

  it("refuses a file cut down to a part of its header", async () => {
    await filled();
    truncateSync(bench.path, 50);
    await refuses("STORE_CORRUPT");
  });

  it.each([
    ["a zeroed page", 0],
    ["flipped bits", 0xff],
  ])("refuses a file with %s in a tree", async (_, fill) => {
    await filled();
    const bytes = readFileSync(bench.path);
    for (let page = 1; page * 8192 < bytes.length; page++) {
      // The first bytes of a page say what it is; only pages of trees have one of these kinds.
      if ([2, 5, 10, 13].includes(bytes[page * 8192] as number)) bytes.fill(fill, page * 8192, page * 8192 + 64);
    }
    writeFileSync(bench.path, bytes);
    await refuses("STORE_CORRUPT");
  });

  it("refuses what is not a database", async () => {
    writeFileSync(bench.path, "no database, but long enough to have a header of a hundred bytes".repeat(5));
    await refuses("STORE_CORRUPT");
  });

  it("refuses another program's database", async () => {
    edit((db) => db.exec("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"));
    await refuses("STORE_CORRUPT");
  });

  it("refuses a file of a newer version", async () => {
    await filled();
    edit((db) => db.exec("PRAGMA user_version = 99"));
    const { broker } = driverOn(bench.path);
    await expect(broker.open()).rejects.toMatchObject({ code: "VERSION_UNSUPPORTED", details: { version: 99 } });
  });

  it("refuses everything while a newer version has raised the form of a file in use, and changes nothing", async () => {
    const { broker } = await bench.open();
    await broker.declareInbox({ name: "inbox" });
    const publish = async (id: string) => (await broker.publish([{ message: message(id), to: ["inbox"] }]))[0];
    expect(await publish("a")).toMatchObject({ status: "accepted" });
    let form: unknown;
    edit((db) => {
      form = pragma(db, "user_version");
      db.exec("PRAGMA user_version = 99");
    });
    for (const id of ["b", "c"])
      expect(await publish(id)).toMatchObject({ status: "failed", error: { code: "VERSION_UNSUPPORTED" } });
    edit((db) => {
      expect(db.prepare("SELECT count(*) AS count FROM ready").get()).toEqual({ count: 1 });
      db.exec(`PRAGMA user_version = ${String(form)}`);
    });
    expect(await publish("d")).toMatchObject({ status: "accepted" });
  });

  it("goes on with a file to which a newer version has added tables and columns, before and while it is open", async () => {
    await filled();
    const add = (name: string): void =>
      edit((db) => {
        db.exec(`CREATE TABLE ${name} (n); CREATE INDEX ${name}_k ON kv (revision, key)`);
        for (const table of [
          "inbox",
          "ready",
          "delayed",
          "claim",
          "peer",
          "dedupe",
          "kv",
          "log",
          "log_entry",
          "bucket",
        ])
          db.exec(`ALTER TABLE ${table} ADD COLUMN ${name} TEXT NOT NULL DEFAULT 'new'`);
      });
    add("before");
    const { broker, store } = await bench.open();
    const collected = new Collected();
    const { take: onDeliveries } = collected;
    const consumer = await broker.consume("inbox", { instance: "one", lease: 30_000, renew: true, onDeliveries });
    add("meanwhile");
    await broker.declareInbox({ name: "second" });
    const due = { message: message("later"), to: ["inbox"], dueAt: Date.now() + 10 };
    const keyed = { message: message("keyed"), to: ["inbox"], dedupe: { key: "k", fingerprint: "f", window: 60_000 } };
    expect(await broker.publish([due, keyed])).toMatchObject([{ status: "accepted" }, { status: "accepted" }]);
    await store.put("state/key", { n: 1 });
    consumer.credit(1_000);
    while (collected.ids.length < 202) await new Promise((resolve) => setTimeout(resolve, 5));
    await collected.deliveries[0]?.settle({ outcome: "retry", delay: 1 });
    while (collected.ids.length < 203) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(collected.deliveries.at(-1)).toMatchObject({ attempt: 2 });
  });

  it("refuses a write-protected file", async () => {
    await filled();
    chmodSync(bench.path, 0o444);
    await refuses("STORE_READ_ONLY");
  });

  it("refuses a symbolic link, also to nothing", async () => {
    await filled();
    const link = `${bench.path}-link`;
    symlinkSync(bench.path, link);
    await refuses("STORE_CORRUPT", link);
    const dangling = `${bench.path}-dangling`;
    symlinkSync(`${bench.path}-nothing`, dangling);
    await expect(driverOn(dangling).broker.open()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(existsSync(`${bench.path}-nothing`)).toBe(false);
  });

  it("refuses a log without its file, and a folder", async () => {
    writeFileSync(`${bench.path}-wal`, Buffer.alloc(4096, 7));
    await refuses("STORE_CORRUPT");
    await expect(driverOn(bench.folder).broker.open()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("does not read the write-ahead log of another file as its own", async () => {
    await filled();
    const other = `${bench.path}-other`;
    const db = openDatabase(other);
    db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)");
    for (let at = 0; at < 50; at++) db.prepare("INSERT INTO theirs VALUES (?)").run("y".repeat(8000));
    copyFileSync(`${other}-wal`, `${bench.path}-wal`);
    db.close();
    await refuses("STORE_CORRUPT");
  });

  it("stops taking messages when the file is deleted under it", async () => {
    const { broker } = await bench.open();
    await broker.declareInbox({ name: "inbox" });
    renameSync(bench.path, `${bench.path}-moved`);
    const publish = async () => (await broker.publish([{ message: message("a"), to: ["inbox"] }]))[0];
    let result = await publish();
    // The file is looked at once a second.
    for (const start = performance.now(); result?.status !== "failed" && performance.now() - start < 5000; )
      result = await publish();
    expect(result).toMatchObject({ status: "failed", error: { code: "STORE_CORRUPT" } });
    expect(existsSync(bench.path)).toBe(false);
    renameSync(`${bench.path}-moved`, bench.path);
    expect(await publish()).toMatchObject({ status: "accepted" });
  });

  it("takes messages that cannot be read out of the way, and delivers the others", async () => {
    await filled();
    edit((db) => {
      db.exec("UPDATE ready SET body = '{\"v\":1,' WHERE id = 'm1'");
      db.exec("UPDATE ready SET body = x'00ff00' WHERE id = 'm2'");
      db.exec("UPDATE ready SET body = NULL WHERE id = 'm3'");
      db.exec("UPDATE ready SET body = replace(body, '\"v\":1', '\"v\":99') WHERE id = 'm4'");
      db.exec("UPDATE ready SET body = replace(body, '\"type\":\"test.note\"', '\"type\":7') WHERE id = 'm5'");
      db.exec("UPDATE ready SET failures = 'not json', attempt = 3 WHERE id = 'm6'");
      db.exec("UPDATE ready SET body = randomblob(20000000) WHERE id = 'm7'");
    });
    const events: DriverEvent[] = [];
    const { broker, store } = await bench.open("one", events);
    const collected = new Collected();
    const consumer = await broker.consume("inbox", {
      instance: "one",
      lease: 30_000,
      renew: true,
      onDeliveries: collected.take,
    });
    consumer.credit(1000);
    await consumer.tried();
    const broken = ["m1", "m2", "m3", "m4", "m5", "m7"];
    expect(collected.ids).toHaveLength(200 - broken.length);
    for (const id of broken) expect(collected.ids).not.toContain(id);
    const codes: string[] = [];
    for (const id of broken)
      codes.push(((await store.get(deadLetterKey("inbox", id))) as { value: DeadLetter<unknown> }).value.code);
    expect(codes).toEqual([
      "DECODE_FAILED",
      "DECODE_FAILED",
      "DECODE_FAILED",
      "VERSION_UNSUPPORTED",
      "ENVELOPE_INVALID",
      "DECODE_FAILED",
    ]);
    expect((await store.get(deadLetterKey("inbox", "m4")))?.value).toMatchObject({
      message: { id: "m4", type: "test.note" },
      raw: { text: expect.stringContaining('"v":99') },
    });
    expect(events.filter(({ type }) => type === "driver.quarantined")).toHaveLength(broken.length);
    expect((await broker.inspect(["inbox"]))[0]).toMatchObject({
      accepted: 200,
      waiting: 194,
      ended: { "dead-lettered": 6 },
    });
    expect(collected.deliveries.find((delivery) => delivery.message.id === "m6")).toMatchObject({
      attempt: 4,
      failures: [],
    });
  });
});
