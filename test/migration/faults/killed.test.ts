import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { Driver } from "../../../src/broker/driver.ts";
import { loadDriver } from "../../../src/drivers.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import type { Store } from "../../../src/store/store.ts";
import { envelope } from "../../support/envelope.ts";

const MAIN = fileURLToPath(new URL("migrate-main.ts", import.meta.url));
const INBOXES = ["work", "other"];
const LOGS = ["journal/entries", "receipts/0000001"];

async function withDriver<T>(url: string, run: (driver: Driver & { readonly store: Store }) => Promise<T>): Promise<T> {
  const context = { clock: systemClock, codec: jsonCodec, scope: "default/default", instance: "i", report: () => {} };
  const driver = (await loadDriver(url, context)) as Driver & { readonly store: Store };
  await driver.store.open();
  await driver.broker.open();
  try {
    return await run(driver);
  } finally {
    await driver.broker.close();
    await driver.store.close();
  }
}

/** All that is to be carried. */
function contents(url: string) {
  return withDriver(url, async ({ broker, store }) => ({
    inboxes: await broker.inspect(INBOXES, { peek: 5_000 }),
    values: (await store.list("state/")).map(({ key, value }) => [key, value]),
    logs: await Promise.all(
      LOGS.map(async (log) => (await store.read(log, { limit: 10_000 })).map(({ value }) => value)),
    ),
  }));
}

async function carry(from: string, to: string, after: number): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, from, to, String(after)], { stdio: "inherit" });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return signal ?? code;
}

it("killed in every step and started again, it carries all, in its order, nothing twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-migration-"));
  const [from, to] = ["from", "to"].map((name) => `sqlite:${join(folder, `${name}.db`)}`) as [string, string];
  const keys = Array.from({ length: 1_600 }, (_, at) => `k${String(at).padStart(4, "0")}`);
  try {
    await withDriver(from, async ({ broker, store }) => {
      await Promise.all(keys.map((key) => store.put(`state/${key}`, { key })));
      for (const log of LOGS) await store.append(log, keys);
      for (const name of INBOXES) await broker.declareInbox({ name });
      const dueAt = systemClock.now() + 3_600_000;
      await broker.publish(
        keys.map((key, at) => ({
          message: envelope(key, { priority: at % 3 === 0 ? "high" : "normal" }),
          to: at % 4 === 0 ? INBOXES : ["work"],
          ...(at % 5 === 0 ? { attempt: 2 } : {}),
          ...(at % 7 === 0 ? { dueAt } : {}),
        })),
      );
    });
    // Four pages of values, eight of entries, four batches of messages: each run comes one step further than the one before.
    for (const after of [1, 6, 7, 8, 9]) expect(await carry(from, to, after)).toBe("SIGKILL");
    expect(await carry(from, to, 1_000)).toBe(0);
    const [source, target] = [await contents(from), await contents(to)];
    expect(target.values).toHaveLength(keys.length);
    expect(target.logs).toEqual([keys, keys]);
    expect(target.inboxes.map(({ accepted }) => accepted)).toEqual(source.inboxes.map(({ accepted }) => accepted));
    expect(target).toEqual(source);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
