import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditReport } from "../../../src/cli/demo/report.ts";
import { ENDS } from "../../../src/message/receipt-record.ts";
import { agentwire } from "./agentwire.ts";
import { countPackages } from "./independent-count.ts";

let home: string;
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "agentwire-test-demo-")));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function addPackage(path: string, text: string): void {
  mkdirSync(join(home, path), { recursive: true });
  writeFileSync(join(home, path, "package.json"), text);
  writeFileSync(join(home, path, "index.js"), "x".repeat(path.length));
}

/** Runs the demo in its own folder and holds its report against the independent count. */
async function audit(folder: string): Promise<AuditReport> {
  const temporary = join(home, "tmp");
  mkdirSync(temporary, { recursive: true });
  const { code, out, err } = await agentwire(["demo", folder, "--json"], { cwd: home, env: { TMPDIR: temporary } });
  expect({ code, err }).toMatchObject({ code: 0 });
  const report = JSON.parse(out) as AuditReport & { files: { dot: string; svg: string; messages: number } };
  const expected = countPackages(folder);

  expect(report.packages).toBe(expected.packages.size + 1); // the demo's own broken package
  expect(Object.fromEntries(report.licences)).toEqual(expected.licences);
  expect(report.files.svg).toBe(join(home, ".agentwire/demo/tree.svg"));
  // Every package and both of its results hang from the one scan.
  expect(report.files.messages).toBeGreaterThan(report.packages * 3);
  expect(readFileSync(report.files.svg, "utf8")).toMatch(/^<svg [\s\S]*audit\.scan[\s\S]*<\/svg>\n$/);
  expect(readFileSync(report.files.dot, "utf8")).toMatch(/^digraph [\s\S]*audit\.licence\.read/);
  const planted = report.broken.filter((one) => !expected.packages.has(one.path));
  expect(planted).toEqual([
    { path: expect.stringContaining("broken-package"), reason: expect.stringContaining("not valid JSON") },
  ]);
  expect(report.broken.map((one) => one.path).sort()).toEqual([...expected.broken, planted[0]!.path].sort());
  const plantedBytes = '{ "name": "broken-package", "version": "1.0.0", '.length;
  expect(report.bytes).toBe([...expected.bytes.values()].reduce((sum, bytes) => sum + bytes, 0) + plantedBytes);
  expect(report.fileCount).toBe(expected.files + 1);
  for (const one of report.largest) expect(one.bytes).toBe(expected.bytes.get(one.path));

  for (const row of report.receipts) {
    expect(row.waiting).toBe(0);
    expect(row.accepted).toBe(ENDS.reduce((sum, end) => sum + row[end], 0));
  }
  expect(report.redelivered).toBeGreaterThan(0);
  expect(report.foundOnJoining).toBeGreaterThan(0);
  expect(err).toContain("SIGKILL");
  expect(readdirSync(temporary).filter((name) => name.startsWith("agentwire-demo"))).toEqual([]);
  return report;
}

describe("agentwire demo", () => {
  it("audits a folder with every oddity, and tells each", async () => {
    for (let n = 0; n < 400; n++) {
      addPackage(
        `node_modules/plain-${n}`,
        JSON.stringify({ name: `plain-${n}`, version: "1.0.0", license: n % 3 === 0 ? "ISC" : "MIT" }),
      );
    }
    addPackage(
      "node_modules/@scope/old",
      JSON.stringify({ name: "@scope/old", version: "0.1.0", license: { type: "BSD-3-Clause" } }),
    );
    addPackage(
      "node_modules/plain-1/node_modules/plain-2",
      JSON.stringify({ name: "plain-2", version: "2.0.0", license: "MIT" }),
    );
    addPackage("node_modules/nameless", JSON.stringify({ version: "3.0.0" }));
    addPackage("node_modules/torn", "{ not json");
    const report = await audit(join(home, "node_modules"));
    expect(report.oddities).toContainEqual({
      kind: "no licence",
      subject: join(home, "node_modules/nameless"),
      detail: "3.0.0 names no licence",
    });
    expect(report.oddities.filter((one) => one.kind === "several versions").map((one) => one.subject)).toEqual([
      "plain-2",
    ]);
    expect(report.broken).toHaveLength(2);
    expect(readFileSync(join(home, ".agentwire/demo/report.json"), "utf8")).toContain('"packages": 405');
  });

  it("audits the packages of this project", async () => {
    const report = await audit(fileURLToPath(new URL("../../../node_modules", import.meta.url)));
    expect(report.packages).toBeGreaterThan(100);
  });

  it("meets on an engine that is named, in a namespace of its own, of which no agent is left", async () => {
    mkdirSync(join(home, "few/node_modules"), { recursive: true });
    const url = `sqlite:${join(home, "shared.db")}`;
    const env = { AGENTWIRE_URL: url };
    const { code, out, err } = await agentwire(["demo", "few/node_modules", "--keep", "--json"], { cwd: home, env });
    expect({ code, err }).toMatchObject({ code: 0 });
    const { namespace } = JSON.parse(out) as { namespace: string };
    expect(namespace).toMatch(/^demo-[0-9a-f]{8}$/);
    const agentsOf = async (name: string): Promise<unknown[]> => {
      const listed = await agentwire(["agents", "--url", url, "--namespace", name, "--json"], { cwd: home });
      return JSON.parse(listed.out) as unknown[];
    };
    expect((await agentsOf(namespace)).length).toBeGreaterThan(3);
    expect(await agentsOf("default")).toEqual([]);
    const again = await agentwire(["demo", "few/node_modules", "--url", url, "--json"], { cwd: home });
    expect(again).toMatchObject({ code: 0 });
    expect(JSON.parse(again.out)).not.toHaveProperty("namespace");
    const secret = await agentwire(["demo", "few/node_modules", "--store", "postgres://a:secret@b/c"], { cwd: home });
    expect(secret).toMatchObject({ code: 2, err: expect.stringContaining("holds a password") });
    expect(secret.err).not.toContain("secret@");
  });

  it("ends also where there is hardly anything to do", async () => {
    mkdirSync(join(home, "small/node_modules"), { recursive: true });
    const { code, out, err } = await agentwire(["demo", "small/node_modules", "--json"], { cwd: home });
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(JSON.parse(out)).toMatchObject({ packages: 1, fileCount: 1, licences: [], foundOnJoining: 1 });
  });

  it("says in one line that a folder does not exist", async () => {
    const { code, err } = await agentwire(["demo", "nowhere"], { cwd: home });
    expect(code).toBe(2);
    expect(err).toContain(`There is no folder ${join(home, "nowhere")}`);
    expect(err).not.toContain("    at ");
  });
});
