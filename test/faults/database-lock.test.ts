import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../src/index.ts";
import { openDatabase } from "../support/database-file.ts";

it("a process that finds the file locked by another waits for it, at every step of opening", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-lock-"));
  const path = join(folder, "bus.db");
  try {
    await (await connect(`sqlite:${path}`, { logger: false })).close();
    const other = openDatabase(path);
    other.exec("PRAGMA locking_mode = EXCLUSIVE");
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
