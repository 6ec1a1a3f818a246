import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineAgent, type ErrorDetails, type Factories } from "agentwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Anything, type Victim, victimOn } from "./victim.ts";

let folder: string;
let victim: Victim;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
  victim = await victimOn(await connect("memory:", { logger: false }));
});
afterEach(async () => {
  await victim.bus.close({ grace: 0 });
  rmSync(folder, { recursive: true, force: true });
});

const bomb = (levels: number): string =>
  `name: a\noptions:\n  l0: &l0 [x]\n${Array.from({ length: levels }, (_, at) => `  l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join()}]\n`).join("")}`;
const keys = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}: 1\n`).join("");

const HOSTILE: readonly (readonly [what: string, file: string, text: string | Buffer, path: string])[] = [
  ["an unknown key", "a.yaml", "name: a\nadmin: true\n", "admin"],
  ["a wrong type", "a.yaml", "name: a\nconcurrency: [1]\n", "concurrency"],
  ["a YAML bomb", "a.yaml", bomb(9), ""],
  ["an alias of itself", "a.yaml", "name: a\noptions: &o { in: *o }\n", "options"],
  ["an alias without an anchor", "a.yaml", "name: a\noptions: *nowhere\n", "options"],
  ["a merge key", "a.yaml", "name: a\n<<: { role: root }\n", '["<<"]'],
  ["a key twice, in YAML", "a.yaml", "name: a\nname: b\n", "name"],
  ["a key twice, in JSON", "a.json", '{"name": "a", "options": {"x": 1, "x": 2}}', "options.x"],
  ["a tag that makes a function", "a.yaml", 'name: a\noptions: !!js/function "function(){}"\n', ""],
  ["a tag of its own", "a.yaml", "name: !secret a\n", ""],
  ["a file of 10 MiB", "a.yaml", `name: ${"a".repeat(10 * 1024 * 1024)}`, ""],
  [
    "a key that reaches a prototype, in YAML",
    "a.yaml",
    "name: a\noptions: { __proto__: { polluted: 1 } }\n",
    "options.__proto__",
  ],
  ["a key that reaches a prototype, in JSON", "a.json", '{"name": "a", "__proto__": {"polluted": 1}}', "__proto__"],
  ["a constructor for a factory", "a.json", '{"name": "a", "factory": "constructor"}', "factory"],
  ["brackets a million deep, in JSON", "a.json", "[".repeat(1_000_000), ""],
  ["brackets a million deep, in YAML", "a.yaml", "[".repeat(1_000_000), ""],
  ["braces a million deep, in YAML", "a.yaml", "{".repeat(1_000_000), ""],
  ["lists half a million deep", "a.yaml", "- ".repeat(500_000), ""],
  [
    "a nesting of 100 levels",
    "a.json",
    `{"name": "a", "options": ${'{"a":'.repeat(100)}1${"}".repeat(101)}`,
    "options",
  ],
  ["ten thousand unknown keys", "a.yaml", keys(10_000), "k0"],
  ["a number that is none", "a.yaml", "name: a\noptions: { x: .inf }\n", "options"],
  ["bytes that are no text", "a.json", Buffer.from([0x22, 0xff, 0xfe, 0x22]), ""],
  ["control characters in a key", "a.json", '{"name": "a", "\\u001b[31m": 1}', '["\\u001b[31m"]'],
  ["a secret in a broken file", "a.yaml", 'name: a\noptions: { token: "hunter2" "hunter2"\n', ""],
  ["a secret of a wrong type", "a.json", '{"name": "a", "retry": "hunter2"}', "retry"],
];

describe("a hostile configuration", () => {
  let made = 0;
  const factories: Factories = {
    default: ({ name }) => {
      made++;
      return defineAgent({ name }).on(Anything, () => {});
    },
  };

  async function refuses(file: string): Promise<ErrorDetails["CONFIG_INVALID"]["issues"]> {
    made = 0;
    const { bus } = victim;
    const error = await victim.refuses(() => bus.load(file, { factories }), "CONFIG_INVALID");
    expect((await bus.agents.list()).map((agent) => agent.name)).toEqual(["victim"]);
    expect(made).toBe(0);
    expect(JSON.stringify(error)).not.toContain("hunter2");
    return (error.details as ErrorDetails["CONFIG_INVALID"]).issues;
  }

  it.each(HOSTILE)(
    "B52 %s is CONFIG_INVALID with the path of the key, and starts nothing",
    async (_, name, text, path) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      const issues = await refuses(file);
      expect(issues[0]?.path.startsWith(path)).toBe(true);
      expect(issues.length).toBeLessThanOrEqual(101);
    },
  );

  it("B52 says how many faults it does not list", async () => {
    const file = join(folder, "a.json");
    writeFileSync(file, JSON.stringify(Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`k${at}`, 1]))));
    const issues = await refuses(file);
    // 150 unknown keys and a missing name.
    expect(issues.at(-1)).toEqual({ path: "", message: "51 more faults" });
  });

  it("B52 a folder and a pipe are no files", async () => {
    mkdirSync(join(folder, "a.json"));
    expect((await refuses(join(folder, "a.json")))[0]?.message).toBe("is no plain file");
    execFileSync("mkfifo", [join(folder, "b.json")]);
    expect((await refuses(join(folder, "b.json")))[0]?.message).toBe("is no plain file");
  });
});
