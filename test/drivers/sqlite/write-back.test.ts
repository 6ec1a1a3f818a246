import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { loadClientLibrary } from "../../../src/drivers/sqlite/client-library.ts";
import { type ClientLibrary, type Connection, pragma, type Row } from "../../../src/drivers/sqlite/connection.ts";
import { WriteBack } from "../../../src/drivers/sqlite/write-back.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  readonly connection: Connection;
  readonly writeBack: WriteBack;
  readonly log: string;
  /** Commits a row of 8 KB. */
  write(): void;
}

function open(library: ClientLibrary = loadClientLibrary()): Opened {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-"));
  folders.push(folder);
  const path = join(folder, "bus.db");
  const connection = library.open(path, { readonly: false });
  connection.exec("PRAGMA journal_mode=WAL; CREATE TABLE entry (text TEXT)");
  const writeBack = new WriteBack({ library, path, connection, longest: 600 });
  const insert = connection.prepare("INSERT INTO entry VALUES (?)");
  const write = (): void => {
    insert.run("x".repeat(8_000));
    writeBack.committed();
  };
  return { connection, writeBack, log: `${path}-wal`, write };
}

function sizeOf(connection: Connection): { log: number; checkpointed: number } {
  return connection.prepare("PRAGMA wal_checkpoint(NOOP)").get() as Row & { log: number; checkpointed: number };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("writes a long log back beside the writer, which begins it anew, and leaves none at the end", async () => {
  const { connection, writeBack, log, write } = open();
  let longest = 0;
  let beginnings = 0;
  let rows = 0;
  for (let before = 0; beginnings < 3; rows++) {
    write();
    const { log: size } = sizeOf(connection);
    if (size < before) beginnings++;
    longest = Math.max(longest, size);
    before = size;
    await turn();
  }
  expect(longest).toBeGreaterThan(600);
  await writeBack.close();
  connection.close();
  expect(existsSync(log)).toBe(false);
  const reader = loadClientLibrary().open(log.slice(0, -4), { readonly: true });
  expect(pragma(reader, "quick_check(1)")).toBe("ok");
  expect(reader.prepare("SELECT count(*) AS rows FROM entry WHERE length(text) = 8000").get()).toEqual({ rows });
  reader.close();
});

it("writes all back in an idle moment, a few pages at once and many by the thread", async () => {
  const { connection, writeBack, write } = open();
  const isBack = (): boolean => sizeOf(connection).checkpointed === sizeOf(connection).log;
  write();
  writeBack.idle();
  expect(isBack()).toBe(true);
  for (let at = 0; at < 250; at++) write();
  writeBack.idle();
  expect(isBack()).toBe(false);
  while (!isBack()) await turn();
  await writeBack.close();
  connection.close();
});

it("goes on as SQLite does by itself where no thread can be had", async () => {
  const { connection, writeBack, write } = open({ ...loadClientLibrary(), module: "/nowhere/to/be/found" });
  while (pragma(connection, "wal_autocheckpoint") === 0) {
    write();
    await turn();
  }
  expect(pragma(connection, "wal_autocheckpoint")).toBe(600);
  for (let at = 0; at < 700; at++) write();
  expect(sizeOf(connection).log).toBeLessThan(700);
  await writeBack.close();
  connection.close();
});
