import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const library = JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function linesOf(...args: string[]): string[] {
  const ended = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  expect(ended.stderr).toBe("");
  return ended.stdout.split("\n");
}

it("a TypeScript file is loaded, and loaded anew when it has changed", () => {
  const agents = (role: string): string => `import { type AgentConfig, defineAgent } from ${library};
const clerk: AgentConfig = { name: "clerk", role: "${role}", retry: { backoff: { linear: "5s" } } };
export default { agents: [clerk, defineAgent({ name: "defined", role: "${role}" })] };\n`;
  writeFileSync(join(folder, "agents.mts"), agents("first"));
  writeFileSync(
    join(folder, "main.mts"),
    `import { writeFileSync } from "node:fs";
import { connect, defineAgent } from ${library};
const bus = await connect("memory:");
const file = new URL("agents.mts", import.meta.url);
const crew = await bus.load(file, { factories: { default: ({ name }) => defineAgent({ name }) } });
const show = async () => console.log((await bus.agents.list()).map(({ name, role }) => name + " " + role).sort().join());
await show();
writeFileSync(file, ${JSON.stringify(agents("second"))});
console.log((await crew.reload()).changed.join());
await show();
await bus.close();\n`,
  );
  expect(linesOf("--import", import.meta.resolve("tsx"), join(folder, "main.mts"))).toEqual([
    "clerk first,defined first",
    "clerk,defined",
    "clerk second,defined second",
    "",
  ]);
});

it.skipIf("typescript" in process.features)("a Node that runs no TypeScript is told so", () => {
  writeFileSync(join(folder, "agents.json"), '{"agents": []}');
  writeFileSync(join(folder, "agents.ts"), "export default {};");
  writeFileSync(
    join(folder, "main.mjs"),
    `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
const unregister = register();
const { connect } = await import(${library});
const bus = await connect("memory:");
await bus.load(new URL("agents.json", import.meta.url));
await unregister();
await bus.load(new URL("agents.ts", import.meta.url)).catch((error) => console.log(error.details.issues[0].message));
await bus.close();\n`,
  );
  expect(linesOf(join(folder, "main.mjs"))).toEqual([
    "cannot be loaded: this Node runs no TypeScript; start it with `node --import tsx`, or write JavaScript",
    "",
  ]);
});
