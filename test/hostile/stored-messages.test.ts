import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BusEvent, connect, defineAgent, defineMessage, jsonSchema } from "agentwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Connection } from "../../src/drivers/sqlite/connection.ts";
import { failure } from "../support/buses.ts";
import { openDatabase } from "../support/database-file.ts";

const Note = defineMessage("note", jsonSchema<{ readonly n: number }>({ type: "object" }));
const SQL = "x'); DROP TABLE ready; --";

/** What stands in a file for one message, and how it must end. */
interface Damage {
  readonly name: string;
  /** SQL for the row's body. */
  readonly body: string;
  readonly code: string;
}

const field = (path: string, value: string): string => `json_set(body, '$.${path}', ${value})`;
const QUARANTINED: readonly Damage[] = [
  { name: "B56 malformed JSON", body: `'{"v":1,"id":'`, code: "DECODE_FAILED" },
  { name: "B56 bytes that are no text", body: "x'00ff00'", code: "DECODE_FAILED" },
  { name: "B56 a huge blob", body: "zeroblob(80000000)", code: "DECODE_FAILED" },
  { name: "B56 nothing", body: "NULL", code: "DECODE_FAILED" },
  { name: "B56 a number", body: "42.5", code: "DECODE_FAILED" },
  { name: "B56 JSON that is no object", body: "'7'", code: "ENVELOPE_INVALID" },
  { name: "B56 a negative time", body: field("createdAt", "-1"), code: "ENVELOPE_INVALID" },
  { name: "B56 SQL for a sender", body: field("from", `'${SQL.replaceAll("'", "''")}'`), code: "ENVELOPE_INVALID" },
  { name: "B56 SQL for an id", body: field("id", `'${SQL.replaceAll("'", "''")}'`), code: "ENVELOPE_INVALID" },
  { name: "B61 envelope version 99", body: field("v", "99"), code: "VERSION_UNSUPPORTED" },
  { name: "B61 a missing field", body: "json_remove(body, '$.conversationId')", code: "ENVELOPE_INVALID" },
  { name: "B61 a field of a wrong type", body: field("priority", "7"), code: "ENVELOPE_INVALID" },
  { name: "B61 a time after the year 9999", body: field("createdAt", "253402300800000"), code: "ENVELOPE_INVALID" },
  { name: "B61 expiry before creation", body: field("expiresAt", "5"), code: "ENVELOPE_INVALID" },
];

describe("what another program wrote into the file", () => {
  let folder: string;
  let url: string;
  const ids: string[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "agentwire-stored-"));
    url = `sqlite:${join(folder, "bus.db")}`;
    const bus = await connect(url, { logger: false });
    ids.length = 0;
    for (let n = 0; n < QUARANTINED.length + 5; n++)
      ids.push((await bus.send(Note, { n }, { to: "worker", ifUnknown: "hold" })).id);
    await bus.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(change: (file: Connection) => void): void {
    const file = openDatabase(join(folder, "bus.db"));
    change(file);
    file.close();
  }

  it("B56 B61 goes to the dead letters with its reason, one by one, and the others are delivered", async () => {
    write((file) => {
      for (const [at, { body }] of QUARANTINED.entries())
        file.prepare(`UPDATE ready SET body = ${body} WHERE id = ?`).run(ids[at] as string);
    });
    const bus = await connect(url, { logger: false });
    try {
      const events: BusEvent[] = [];
      bus.events.on("driver.quarantined", (event) => events.push(event));
      const handled: number[] = [];
      await bus.join(defineAgent({ name: "worker" }).on(Note, ({ payload }) => void handled.push(payload.n)));
      await bus.settled();
      expect(handled).toEqual([14, 15, 16, 17, 18]);
      const letters = await bus.deadLetters.list();
      for (const [at, { name, code }] of QUARANTINED.entries()) {
        const letter = letters.find(({ message }) => message.id === ids[at]);
        expect(letter, name).toMatchObject({ recipient: "worker", code, message: { type: "note" } });
        expect(await bus.deadLetters.get(ids[at] as string), name).toEqual(letter);
        expect(JSON.stringify(letter?.raw).length, name).toBeLessThan(200_000);
        expect((await bus.receipts.get(ids[at] as string))?.ends, name).toEqual({ worker: "dead-lettered" });
      }
      expect(letters).toHaveLength(QUARANTINED.length);
      expect(events).toHaveLength(QUARANTINED.length);
    } finally {
      await bus.close();
    }
  });

  it("B61 keeps what it cannot read until it can: a replay reads it again", async () => {
    write((file) => file.prepare(`UPDATE ready SET body = ${field("v", "99")} WHERE id = ?`).run(ids[0] as string));
    const id = ids[0] as string;
    const bus = await connect(url, { logger: false });
    const handled: number[] = [];
    try {
      await bus.join(defineAgent({ name: "worker" }).on(Note, ({ payload }) => void handled.push(payload.n)));
      await bus.settled();
      expect(handled).not.toContain(0);
      expect(await failure(bus.deadLetters.replay(id))).toMatchObject({ code: "VERSION_UNSUPPORTED" });
      expect(await bus.deadLetters.get(id)).toMatchObject({ code: "VERSION_UNSUPPORTED" });
      // As a release that knows version 99 would read it.
      write((file) =>
        file.exec(`UPDATE kv SET value = replace(value, '\\"v\\":99', '\\"v\\":1') WHERE key LIKE '%${id}'`),
      );
      const receipt = await bus.deadLetters.replay(id);
      expect((await receipt.settled()).ends).toEqual({ worker: "acknowledged" });
      expect(handled.at(-1)).toBe(0);
      expect(await bus.deadLetters.list()).toEqual([]);
    } finally {
      await bus.close();
    }
  });

  it("B61 keeps fields that it does not know, up to the handler and through the dead letters", async () => {
    write((file) =>
      file
        .prepare(`UPDATE ready SET body = ${field("next", "json('{\"a\":[1]}')")} WHERE id = ?`)
        .run(ids[0] as string),
    );
    const bus = await connect(url, { logger: false });
    try {
      const seen: unknown[] = [];
      await bus.join(
        defineAgent({ name: "worker" }).on(Note, (message, context) => {
          const { next } = message as { readonly next?: unknown };
          if (next === undefined) return;
          seen.push(next);
          if (message.replayOf === undefined) context.reject("once");
        }),
      );
      await bus.settled();
      expect(await bus.deadLetters.get(ids[0] as string)).toMatchObject({ message: { next: { a: [1] } } });
      await (await bus.deadLetters.replay(ids[0] as string)).settled();
      expect(seen).toEqual([{ a: [1] }, { a: [1] }]);
    } finally {
      await bus.close();
    }
  });

  it("B61 takes the last millisecond of the year 9999", async () => {
    const last = "253402300799999";
    write((file) =>
      file.prepare(`UPDATE ready SET body = ${field("expiresAt", last)} WHERE id = ?`).run(ids[0] as string),
    );
    const bus = await connect(url, { logger: false });
    try {
      const seen: unknown[] = [];
      await bus.join(defineAgent({ name: "worker" }).on(Note, ({ expiresAt }) => void seen.push(expiresAt)));
      await bus.settled();
      expect(seen[0]).toBe(Number(last));
    } finally {
      await bus.close();
    }
  });

  it("B56 columns with nonsense in them hurt their own message at most, and nothing ends unseen", async () => {
    write((file) => {
      const set = (at: number, sql: string): unknown =>
        file.prepare(`UPDATE ready SET ${sql} WHERE id = ?`).run(ids[at] as string);
      set(0, `type = '${SQL.replaceAll("'", "''")}'`);
      set(1, "attempt = -7, failures = '{'");
      set(2, "expires_at = -1");
      set(3, "crashes = 'many', holder = x'ff00'");
      set(4, "order_key = x'00ff'");
    });
    const bus = await connect(url, { logger: false });
    try {
      const handled: number[] = [];
      await bus.join(defineAgent({ name: "worker" }).on(Note, ({ payload }) => void handled.push(payload.n)));
      await bus.settled();
      const inbox = await bus.inboxes.get("worker");
      const ended = Object.values(inbox?.ended ?? {}).reduce((sum, count) => sum + count, 0);
      expect(ended).toBe(ids.length);
      expect(inbox?.waiting).toBe(0);
      expect(handled).toEqual(expect.arrayContaining(Array.from({ length: ids.length - 5 }, (_, at) => at + 5)));
      expect((await bus.receipts.get(ids[2] as string))?.ends).toEqual({ worker: "expired" });
      expect((await bus.inboxes.list()).map(({ name }) => name)).toContain("worker");
    } finally {
      await bus.close();
    }
  });
});
