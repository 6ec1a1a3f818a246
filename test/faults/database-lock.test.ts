import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { connect } from "../../src/index.ts";

it("a process that finds the file locked by another waits for it, at every step of opening", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-lock-"));
  const path = join(folder, "bus.db");
  try {
    await (await connect(`sqlite:${path}`, { logger: false })).close();
    const other = new Database(path);
    other.pragma("locking_mode = EXCLUSIVE");
    other.exec("BEGIN EXCLUSIVE; CREATE TABLE busy (n)");
    const opening = connect(`sqlite:${path}`, { logger: false });
    const first = await Promise.race([
      opening.then(
        () => "opened",
        (error: unknown) => error,
      ),
      new Promise((resolve) => setTimeout(resolve, 300, "waits")),
    ]);
    expect(first).toBe("waits");
    other.exec("ROLLBACK");
    other.close();
    const bus = await opening;
    expect(bus.guarantees().durability.class).toBe("power");
    await bus.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
