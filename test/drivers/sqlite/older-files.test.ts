import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase } from "../../support/database-file.ts";
import { driverOn, message, Workbench } from "./setup.ts";

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench();
});
afterEach(() => bench.dispose());

it("brings a file of the first form to this one, with what waits in it", async () => {
  const before = driverOn(bench.path);
  await before.broker.open();
  await before.broker.declareInbox({ name: "inbox" });
  const dueAt = Date.now() + 600_000;
  await before.broker.publish([
    { message: message("ready"), to: ["inbox"] },
    { message: message("delayed"), to: ["inbox"], dueAt },
  ]);
  await before.broker.close();
  const db = openDatabase(bench.path);
  db.exec("DROP INDEX ready_limited; DROP INDEX delayed_limited");
  for (const table of ["ready", "delayed"]) db.exec(`ALTER TABLE ${table} DROP COLUMN limited`);
  db.exec("PRAGMA user_version = 1");
  db.close();

  const { broker } = await bench.open();
  const limit = { name: "kind", capacity: 1, overflow: "drop-oldest" } as const;
  for (const id of ["first", "second"])
    expect(await broker.publish([{ message: message(id), to: ["inbox"], limit }])).toMatchObject([
      { status: "accepted" },
    ]);
  const [inbox] = await broker.inspect(["inbox"], { peek: 10 });
  expect(inbox?.messages?.map(({ message: { id } }) => id)).toEqual(["ready", "second", "delayed"]);
});
