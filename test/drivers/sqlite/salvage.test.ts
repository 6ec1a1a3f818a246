import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineMessage, jsonSchema, salvage } from "agentwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Row } from "../../../src/drivers/sqlite/connection.ts";
import { rowsOf } from "../../../src/drivers/sqlite/salvage.ts";
import { failure } from "../../support/buses.ts";
import { openDatabase } from "../../support/database-file.ts";

const Note = defineMessage("note", jsonSchema<{ readonly n: number; readonly text: string }>({ type: "object" }));
const COUNT = 400;
const PAGE = 8_192;

describe("salvage", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agentwire-salvage-"));
    path = join(folder, "bus.db");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function fill(codec: "json" | "msgpack" = "json"): Promise<void> {
    const bus = await connect(`sqlite:${path}`, { logger: false, codec });
    const text = "x".repeat(400);
    await bus.sendMany(
      Array.from({ length: COUNT }, (_, n) =>
        Note.message(
          { n, text },
          { to: n % 2 === 0 ? "ann" : "ben", ifUnknown: "hold", ...(n % 10 === 0 ? { delay: "1h" } : {}) },
        ),
      ),
    );
    await bus.close();
  }

  async function found(): Promise<
    { readonly n: number; readonly inbox: string | undefined; readonly bus: string | undefined }[]
  > {
    const all = [];
    for await (const { message, inbox, bus } of salvage(`sqlite:${path}`))
      all.push({ n: (message.payload as { n: number }).n, inbox, bus });
    return all;
  }

  /** Overwrites some pages of the trees of messages. */
  function damage(every: number): number {
    const file = openDatabase(path);
    const leaves = file
      .prepare("SELECT pageno FROM dbstat WHERE name = 'ready' AND pagetype = 'leaf' ORDER BY pageno")
      .all() as { readonly pageno: number }[];
    file.close();
    const bytes = readFileSync(path);
    const hit = leaves.filter((_, at) => at % every === 1);
    for (const { pageno: page } of hit) bytes.fill(0xff, (page - 1) * PAGE, page * PAGE);
    writeFileSync(path, bytes);
    return hit.length;
  }

  it.each(["json", "msgpack"] as const)("reads every message of a sound file, written as %s", async (codec) => {
    await fill(codec);
    const before = readFileSync(path);
    const all = await found();
    expect(all.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
    for (const { n, inbox, bus } of all) expect([inbox, bus]).toEqual([n % 2 === 0 ? "ann" : "ben", "default/default"]);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("B55 reads all but what lies on the damaged pages of a file that is refused, and leaves it as it is", async () => {
    await fill();
    const pages = damage(7);
    expect(pages).toBeGreaterThan(2);
    expect(await failure(connect(`sqlite:${path}`, { logger: false }))).toMatchObject({ code: "STORE_CORRUPT" });
    const before = readFileSync(path);
    const ids = new Set((await found()).map(({ n }) => n));
    // A page holds about a dozen of these messages.
    expect(ids.size).toBeGreaterThanOrEqual(COUNT - pages * 16);
    expect(ids.size).toBeLessThan(COUNT);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses what is no database, or not there, and other engines", async () => {
    expect(await failure(found())).toMatchObject({ code: "REJECTED" });
    writeFileSync(path, "nothing of ours ".repeat(100));
    expect(await failure(found())).toMatchObject({ code: "STORE_CORRUPT" });
    expect(await failure(salvage("memory:").next())).toMatchObject({ code: "UNSUPPORTED" });
  });

  it("finds what lies between two damaged places", () => {
    const good = [0n, 5n, 6n, 1n << 45n, (1n << 45n) + 3n, 9n << 45n, (9n << 45n) + 4n];
    const isBad = (place: bigint): boolean =>
      (place > 6n && place < 1_000n) || (place >> 45n === 9n && (place & 7n) > 0n && (place & 7n) < 4n);
    const bad = [7n, 8n, 999n, (9n << 45n) + 1n];
    const all = [...good, ...bad].sort((a, b) => (a < b ? -1 : 1));
    const rowAt = (place: bigint | undefined): Row | undefined => {
      if (place === undefined) return undefined;
      if (isBad(place)) throw new Error("damaged");
      return { place: String(place) };
    };
    const rows = rowsOf({
      after: (place) => rowAt(all.find((one) => one > place)),
      before: (place) => rowAt(all.findLast((one) => one < place)),
    });
    expect([...rows].map((row) => BigInt(row["place"] as string)).sort((a, b) => (a < b ? -1 : 1))).toEqual(good);
  });
});
