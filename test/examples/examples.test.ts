import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ENGINES, type EngineName } from "../../scripts/servers/engines.ts";
import { describeOn } from "../support/servers.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

/** What each example prints. */
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  "payment.ts": [
    "ledger: tx-42 of session 42, a date: true",
    "shop: paid with tx-42",
    "shop: refused with LIMIT_REACHED",
  ],
  "queue-workers.ts": [
    "front-page.png: attempt 1",
    "flaky.png: attempt 1",
    "not-an-image: attempt 1",
    "flaky.png: attempt 2",
    "holiday.png: attempt 1",
    "dead letter: not an image",
  ],
  "research-pipeline.ts": [
    "Why is the sky blue?",
    "- read in https://example.com/1",
    "- read in https://example.com/2",
    "- read in https://example.com/3",
  ],
  "streaming-writer.ts": ["Because blue light scatters most.", "33 characters"],
  "twins.ts": [
    "dashboard: Twelve deals, three of them close",
    "cmo: start spring campaign",
    "told: cmo, content",
    "dashboard: 1 texts planned",
  ],
};

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(file: string, url = "memory:", more: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", `examples/${file}`], {
    cwd: project,
    env: { ...process.env, AGENTWIRE_URL: url, ...more },
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

describe("examples", () => {
  it("has an expectation for each file", () => {
    const files = readdirSync(new URL("../../examples", import.meta.url)).filter((name) => name.endsWith(".ts"));
    expect(files.sort()).toEqual(Object.keys(PRINTED).sort());
  });

  it.each(Object.keys(PRINTED))("%s runs and ends by itself", { timeout: 30_000 }, async (file) => {
    check(file, await run(file));
  });
});

/** Engines that an example needs nothing but an address for. */
const WITH_A_STORE: readonly EngineName[] = ["redis", "postgres", "nats"];

describe.each(WITH_A_STORE)("examples on %s", (engine) => {
  describeOn(engine, `on ${ENGINES[engine].program}`, (server) => {
    it("all run unchanged, and end by themselves", { timeout: 90_000 }, async () => {
      // Each on the bus that the one before has left behind.
      for (const file of Object.keys(PRINTED)) check(file, await run(file, server.url));
    });
  });
});

function check(file: string, { code, out, err }: Ended): void {
  expect({ code, err }).toEqual({ code: 0, err: "" });
  // Two agents may print in either order.
  expect(out.trim().split("\n").sort()).toEqual([...(PRINTED[file] ?? [])].sort());
  if (file === "queue-workers.ts") expect(out.trim().split("\n")).toEqual(PRINTED[file]);
}

describeOn("rabbitmq", "examples on rabbitmq", (server) => {
  it("all run unchanged, with a second engine from the environment", { timeout: 90_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "agentwire-examples-"));
    try {
      const more = { AGENTWIRE_STORE: `sqlite:${join(folder, "state.db")}` };
      for (const file of Object.keys(PRINTED)) check(file, await run(file, server.url, more));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
