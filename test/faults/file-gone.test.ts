import { existsSync, renameSync } from "node:fs";
import { afterAll, afterEach, expect, it } from "vitest";
import { compiled } from "./program.ts";
import { Scene } from "./scene.ts";

let scene: Scene | undefined;
afterEach(() => scene?.close());
afterAll(() => compiled.close());

it("B55 a process whose file is taken away refuses with STORE_CORRUPT, lives on, makes no new file, and goes on when it is back", async () => {
  scene = new Scene(1);
  const program = scene.start("bystander", { url: scene.url });
  await program.says("sent");
  for (const end of ["", "-wal", "-shm"]) renameSync(scene.database + end, `${scene.database}-away${end}`);
  const refusal = await program.says("refused");
  expect(refusal).toMatch(/ STORE_CORRUPT$/);
  const [, number = ""] = refusal.split(" ");
  // Long enough for heartbeats, leases and sweeps to meet the missing file.
  await program.says(`refused ${Number(number) + 10} `);
  expect(existsSync(scene.database)).toBe(false);
  for (const end of ["", "-wal", "-shm"]) renameSync(`${scene.database}-away${end}`, scene.database + end);
  const since = program.lines.length;
  while (!program.lines.slice(since).some((line) => line.startsWith("sent"))) {
    if (program.isOver) throw new Error(program.lines.slice(-20).join("\n"));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(program.isOver).toBe(false);
});
