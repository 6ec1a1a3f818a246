import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  AgentwireError,
  type Bus,
  connect,
  defineAgent,
  defineFactory,
  defineMessage,
  type Factories,
  type LoadOptions,
} from "agentwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { failure } from "../support/buses.ts";

const Ask = defineMessage("ask", z.object({}), { reply: z.object({ answer: z.string() }) });

let folder: string;
let bus: Bus;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
  bus = await connect("memory:", { logger: false });
});
afterEach(async () => {
  await bus.close({ grace: 0 });
  rmSync(folder, { recursive: true, force: true });
});

const answering = (name: string, answer: string) => defineAgent({ name }).on(Ask, () => ({ answer }));
const factories: Factories = {
  default: ({ name, options }) => answering(name, String(options["answer"] ?? "nothing")),
  fixed: defineAgent({ name: "any", role: "clerk", department: "front", concurrency: 2 }).on(Ask, () => ({
    answer: "fixed",
  })),
  strict: defineFactory(z.object({ topic: z.string().min(1), depth: z.number().default(3) }), ({ name, options }) =>
    answering(name, `${options.topic} ${options.depth}`),
  ),
};

function put(name: string, text: string | object): string {
  const path = join(folder, name);
  writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text, null, 2));
  return path;
}

const answerOf = async (to: string): Promise<string> => (await bus.request(Ask, {}, { to })).answer;

async function faults(name: string, text: string | object, options: LoadOptions = { factories }): Promise<string[]> {
  const error = await failure(bus.load(put(name, text), options));
  if (!AgentwireError.is(error, "CONFIG_INVALID")) throw error;
  expect(error.details.file).toBe(join(folder, name));
  expect(await bus.agents.list()).toEqual([]);
  return error.details.issues.map(({ path, line, message }) => `${path}:${line ?? ""} ${message}`);
}

describe("agents from a configuration file", () => {
  it("reads one agent, made by the default factory", async () => {
    const crew = await bus.load(put("one.json", { name: "writer", options: { answer: "words" } }), { factories });
    expect([...crew.agents.keys()]).toEqual(["writer"]);
    expect(crew.file).toBe(join(folder, "one.json"));
    expect(await answerOf("writer")).toBe("words");
  });

  it("reads several from YAML, by factories of their own; the file's fields stand in place of the definition's", async () => {
    const file = put(
      "agents.yaml",
      `
agents:
  - name: writer
    factory: strict
    options: { topic: cats }
    retry: &patient
      attempts: 3
      backoff: { exponential: { initial: 1s, max: 5m, jitter: none } }
  - name: clerk
    factory: fixed
    role: archivist
    capabilities: [file, { name: find, version: "2" }]
    concurrency: 4
    retry: *patient
    metadata: { floor: 3 }
`,
    );
    await bus.load(pathToFileURL(file), { factories });
    expect(await answerOf("writer")).toBe("cats 3");
    expect(await answerOf("clerk")).toBe("fixed");
    expect(await bus.agents.get("clerk")).toMatchObject({
      role: "archivist",
      department: "front",
      concurrency: 4,
      capabilities: [{ name: "file" }, { name: "find", version: "2" }],
      metadata: { floor: 3 },
    });
  });

  it("takes every plain field that a definition has", async () => {
    const agent = {
      kind: "external",
      description: "d",
      role: "r",
      department: "p",
      region: "eu",
      labels: ["l"],
      capabilities: ["c"],
      metadata: { deep: { list: [1, null] } },
      subscribes: ["news.*"],
      concurrency: 2,
      prefetch: 9,
      lease: "5s",
      handlerTimeout: 1_000,
      retry: { attempts: 2, backoff: { linear: "5s" } },
      capacity: 10,
      overflow: "drop-oldest",
      limits: { types: ["ask"], maxSize: 1_000 },
    };
    await bus.load(put("all.json", { name: "all", ...agent }), { factories });
    const { lease: _l, prefetch: _p, handlerTimeout: _h, retry: _r, capacity, overflow, ...seen } = agent;
    expect(await bus.agents.get("all")).toMatchObject({ ...seen, capabilities: [{ name: "c" }] });
    expect(await bus.inboxes.get("all")).toMatchObject({ capacity, overflow });
  });

  it("takes definitions and plain agents from a module", async () => {
    const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
    const file = put(
      "agents.mts",
      `import { defineAgent, defineMessage } from ${source("index.ts")};
const Greet = defineMessage("greet", { type: "object", properties: {} });
const definition = defineAgent({ name: "defined" }).on(Greet, () => {});
export default { agents: [definition, { name: "plain", options: { answer: "plain" } }] };\n`,
    );
    const crew = await bus.load(file, { factories });
    expect([...crew.agents.keys()]).toEqual(["defined", "plain"]);
    expect(await answerOf("plain")).toBe("plain");
  });

  it("lists every fault at once, with its key and line", async () => {
    const text = `agents:
  - name: a b
    concurency: 2
    retry:
      attempts: 0
      backoff: sometimes
  - name: one
    factory: strict
    options: { topic: "", extra: 1 }
    lease: soon
  - factory: strikt
    capabilities: [{ version: 1 }, 5]
    subscribes: ["a..b"]
    overflow: explode
    role:
  - name: one
`;
    expect(await faults("agents.yaml", text)).toEqual([
      'agents[0].name:2 "a b" is not a valid agent name',
      'agents[0].concurency:3 unknown key; did you mean "concurrency"?',
      "agents[0].retry.attempts:5 retry.attempts must be a whole number from 1 to 1000, not 0",
      'agents[0].retry.backoff:6 must be "immediate", { linear: DURATION } or { exponential: {...} }, not text',
      'agents[1].lease:10 lease must be a duration from 100 to 3155760000000 ms, such as 250 or "30s", not "soon"',
      "agents[2].capabilities[0].version:12 must be text, not a number",
      "agents[2].capabilities[0].name:12 is missing",
      "agents[2].capabilities[1]:12 must be an object, not a number",
      'agents[2].subscribes[0]:13 "a..b" is not a channel pattern',
      'agents[2].overflow:14 must be "reject" or "wait" or "drop-oldest"',
      "agents[2].role:15 must be text, not null",
      "agents[2].name:11 is missing",
      'agents[2].factory:11 unknown factory; did you mean "strict"?; there are default, fixed, strict',
    ]);
  });

  it("finds names that are there twice, and options that do not fit their factory", async () => {
    const agents = [
      { name: "one", factory: "strict", options: { topic: "" } },
      { name: "two", factory: "fixed", options: {} },
      { name: "two" },
    ];
    expect(await faults("agents.json", { agents })).toEqual([
      'agents[2].name:16 "two" is also the name of agents[1]',
      expect.stringMatching(/^agents\[0\]\.options\.topic:7 /),
      'agents[1].options:13 the factory "fixed" is a definition and takes no options',
    ]);
  });

  it("tells of a factory that is missing, fails, or returns no definition", async () => {
    expect(await faults("a.json", { name: "a" }, {})).toEqual([
      'factory:1 is missing, and no factory is named "default"; none were passed',
    ]);
    const odd = {
      throws: () => {
        throw new Error("no ink");
      },
      empty: () => undefined as never,
    };
    const agents = [
      { name: "a", factory: "throws" },
      { name: "b", factory: "empty" },
      { name: "c", factory: "constructor" },
    ];
    expect(await faults("b.json", { agents }, { factories: odd })).toEqual([
      "agents[2].factory:13 unknown factory; there are throws, empty",
      'agents[0].factory:5 the factory "throws" failed: no ink',
      'agents[1].factory:9 the factory "empty" returned no definition',
    ]);
  });

  it.each([
    ["a.json", "5", "must be an agent, or an object with a list of agents as `agents`, not a number"],
    ["a.json", '{"agents": {}}', "must be a list, not an object"],
    ["a.json", '{"agents": [], "more": 1}', "unknown key"],
    ["a.yaml", "", "not null"],
    ["a.yaml", "name: a\n---\nname: b\n", "holds more than one document"],
    ["a.yaml", "name: [a\n", "is not valid YAML"],
    ["a.toml", "", "is of no known format"],
    ["a.mjs", "export const agents = [];", "has no default export"],
    ["a.mjs", "throw new Error('broken');", "cannot be loaded: broken"],
  ])("refuses %s with %j", async (name, text, message) => {
    expect((await faults(name, text)).join()).toContain(message);
  });

  it.each([
    ["a.json", (depth: number) => `{"name": "a", "options": ${'{"a":'.repeat(depth)}1${"}".repeat(depth + 1)}`],
    ["flow.yaml", (depth: number) => `name: a\noptions: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}\n`],
    [
      "block.yaml",
      (depth: number) =>
        `name: a\noptions:\n${Array.from({ length: depth }, (_, at) => `${" ".repeat(at + 1)}a:\n`).join("")}${" ".repeat(depth + 2)}1\n`,
    ],
  ])("reads 64 levels of %s, and no more", async (name, nested) => {
    expect(await faults(name, nested(64))).toEqual([expect.stringContaining("is nested deeper than 64 levels")]);
    const crew = await bus.load(put(name, nested(63)), { factories });
    expect(crew.agents.size).toBe(1);
  });

  it("names the file that is not there", async () => {
    const error = await failure(bus.load(join(folder, "absent.yaml"), { factories }));
    expect(error).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("cannot be read (ENOENT)"),
    });
  });

  it("says all of it in the text of the error", async () => {
    const error = await failure(bus.load(put("a.json", { name: "a b", rule: 1 }), { factories }));
    expect((error as Error).message.split("\n")).toEqual([
      `${join(folder, "a.json")} cannot be used:`,
      '  name (line 2): "a b" is not a valid agent name',
      '  rule (line 3): unknown key; did you mean "role"?',
    ]);
  });

  it("refuses options it does not have, and addresses that are no file", async () => {
    await expect(bus.load("a.json", { watched: true } as LoadOptions)).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
    await expect(bus.load(new URL("https://example.org/a.json"))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });

  it("leaves nothing running when an agent cannot join", async () => {
    const broken: Factories = {
      default: ({ name, options }) =>
        defineAgent({
          name,
          onStart: () => {
            if (options["broken"]) throw new Error("no engine");
          },
        }).on(Ask, () => ({ answer: name })),
    };
    const agents = [{ name: "good" }, { name: "bad", options: { broken: true } }];
    await expect(bus.load(put("a.json", { agents }), { factories: broken })).rejects.toThrow("no engine");
    expect((await bus.agents.list()).flatMap(({ instances }) => instances)).toEqual([]);
  });
});
