import { createServer } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Mesh, type MeshListener, socketPath } from "../../../src/drivers/sqlite/mesh.ts";
import { until, Workbench } from "./setup.ts";

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench();
});
afterEach(() => bench.dispose());

const DEAF: MeshListener = {
  woken: () => {},
  forwarded: () => {},
  revoked: () => {},
  signalled: () => {},
  noted: () => {},
  gone: () => {},
};

async function meshOf(name: string, listener: Partial<MeshListener> = {}): Promise<Mesh> {
  const mesh = new Mesh(name, socketPath(bench.path, name), { ...DEAF, ...listener });
  await mesh.listen();
  bench.onEnd(() => mesh.close());
  return mesh;
}

it("lets who begins to consume or to listen look for what the others did before they knew", async () => {
  const woken: string[] = [];
  const noted: string[] = [];
  const here = await meshOf("here", {
    woken: (inboxes) => void woken.push(...inboxes),
    noted: (topics) => void noted.push(...topics),
  });
  const there = await meshOf("there");
  here.consumes("first", true);
  here.listens("early", true);
  expect(await there.connect(socketPath(bench.path, "here"))).toBe(true);
  await until(() => here.peers().has("there"));

  here.consumes("second", true);
  here.listens("late", true);
  await until(() => noted.length > 0 && woken.length > 0);
  here.listens("later", true);
  await until(() => noted.includes("later"));
  // What the hello said was known before anything could be done, and nothing is noted twice.
  expect({ woken, noted }).toEqual({ woken: ["second"], noted: ["late", "later"] });
  expect(there.isHeard("later")).toBe(true);
});

it("waits for a peer that says nothing without a listener more for each of the others that greet meanwhile", async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warn);
  bench.onEnd(async () => process.off("warning", warn));
  const silent = createServer((socket) => socket.resume());
  const path = socketPath(bench.path, "silent");
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  bench.onEnd(async () => silent.close());
  const here = await meshOf("here");
  const connecting = here.connect(path);
  for (let number = 0; number < 12; number++) {
    const other = await meshOf(`other-${number}`);
    expect(await other.connect(socketPath(bench.path, "here"))).toBe(true);
  }
  expect(await connecting).toBe(false);
  expect(warnings).toEqual([]);
});
