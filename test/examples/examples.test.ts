import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

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

function run(file: string): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", `examples/${file}`], { cwd: project });
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
    const { code, out, err } = await run(file);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    // Two agents may print in either order.
    expect(out.trim().split("\n").sort()).toEqual([...(PRINTED[file] ?? [])].sort());
    if (file === "queue-workers.ts") expect(out.trim().split("\n")).toEqual(PRINTED[file]);
  });
});
