import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bus, connect, defineAgent, defineMessage } from "../../../src/index.ts";
import { agentwire, type Run, start } from "./agentwire.ts";

const TEXT = { type: "object", properties: { text: { type: "string" } }, required: ["text"] } as const;
const Greet = defineMessage(
  "greet",
  { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
  { reply: TEXT },
);
const Note = defineMessage("note", TEXT);
const Fail = defineMessage("fail", TEXT);
const Slow = defineMessage("slow", TEXT, { reply: TEXT });

const project = fileURLToPath(new URL("../../..", import.meta.url));
let home: string;
let url: string;
let bus: Bus;
const noted: string[] = [];

beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "agentwire-test-cli-")));
  url = `sqlite:${join(home, "cli.db")}`;
  bus = await connect(url, { logger: false });
  await bus.join(
    defineAgent({
      name: "greeter",
      role: "host",
      department: "front",
      capabilities: ["greet"],
      concurrency: 4,
      subscribes: ["news.*"],
      retry: { attempts: 1, backoff: "immediate" },
    })
      .on(Greet, ({ payload }) => ({ text: `Hello ${payload.name}` }))
      .on(Note, ({ payload }) => void noted.push(payload.text))
      .on(
        Slow,
        (_message, ctx) =>
          new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("too late")))),
      )
      .on(Fail, (_message, ctx) => ctx.reject("cannot be done")),
  );
});

afterAll(async () => {
  await bus.close({ grace: 0 });
  rmSync(home, { recursive: true, force: true });
});

const cli = (args: readonly string[], input?: string): Promise<Run> =>
  agentwire(args, { cwd: home, env: { AGENTWIRE_URL: url }, ...(input === undefined ? {} : { input }) });

async function json<T>(args: readonly string[]): Promise<T> {
  const { code, out, err } = await cli([...args, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as T;
}

describe("messages from the command line", () => {
  it("asks an agent, by name and by capability", async () => {
    expect(await json(["request", "greeter", "greet", '{"name":"Ada"}'])).toEqual({ text: "Hello Ada" });
    const { out } = await cli(["request", "capability=greet,role=host", "greet", "-"].concat(), '{"name":"Bob"}');
    expect(JSON.parse(out)).toEqual({ text: "Hello Bob" });
  });

  it("sends and waits for the end", async () => {
    expect(await json(["send", "greeter", "note", '{"text":"one"}', "--wait"])).toMatchObject({
      settled: true,
      ends: { greeter: "acknowledged" },
    });
    expect(noted).toContain("one");
  });

  it("publishes to a channel, with the payload from a file", async () => {
    const file = join(home, "note.json");
    writeFileSync(file, '{"text":"from a file"}');
    const { recipients, id } = await json<{ recipients: string[]; id: string }>([
      "publish",
      "news.today",
      "note",
      "--file",
      file,
    ]);
    expect(recipients).toEqual(["greeter"]);
    await expect.poll(async () => (await bus.receipts.get(id))?.settled).toBe(true);
    expect(noted).toContain("from a file");
  });

  it("exits with 3 when no answer comes in time", async () => {
    const { code, err } = await cli(["request", "greeter", "slow", '{"text":""}', "--timeout", "200ms"]);
    expect(code).toBe(3);
    expect(err).toContain("[TIMEOUT]");
  });

  it("exits with 1 and the hint when the message cannot be sent", async () => {
    const { code, err } = await cli(["send", "nobody", "note", '{"text":""}']);
    expect(code).toBe(1);
    expect(err).toContain("[AGENT_NOT_FOUND]");
    expect(err).toContain("Check the spelling");
  });
});

describe("looking around", () => {
  it("lists agents, channels and inboxes", async () => {
    const agents = await json<{ name: string; status: string }[]>(["agents", "role=host"]);
    expect(agents.map(({ name, status }) => ({ name, status }))).toEqual([{ name: "greeter", status: "online" }]);
    expect(await json(["agents", "role=nobody"])).toEqual([]);
    expect(await json(["channels"])).toMatchObject([{ name: "news.*", subscribers: ["greeter"], active: true }]);
    expect((await cli(["inbox"])).out).toMatch(/^inbox\s+waiting[^\n]*\ngreeter\s/m);
  });

  it("pauses, resumes and purges an inbox, and makes none", async () => {
    await bus.send(Note, { text: "x" }, { to: "nowhere", ifUnknown: "hold" });
    expect(await json(["inbox", "nowhere", "--pause"])).toMatchObject({ paused: true, waiting: 1 });
    expect(await json(["inbox", "nowhere", "--resume"])).toMatchObject({ paused: false, waiting: 1 });
    expect(await json(["inbox", "nowhere", "--purge"])).toEqual({ inbox: "nowhere", dropped: 1 });
    expect(await json(["inbox", "nowhere"])).toMatchObject({ waiting: 0, ended: { dropped: 1 } });
    for (const change of ["--pause", "--resume", "--purge"]) {
      expect((await cli(["inbox", "not-there", change])).err).toContain('There is no inbox "not-there"');
      expect((await cli(["inbox", change])).code).toBe(2);
    }
    expect((await cli(["inbox", "nowhere", "--pause", "--purge"])).code).toBe(2);
    expect(await bus.inboxes.get("not-there")).toBeUndefined();
  });

  it("peeks at what waits, and shows control characters instead of sending them", async () => {
    const hostile = { text: "\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202eabc" };
    await bus.send(Note, hostile, { to: "absent", ifUnknown: "hold" });
    const { out } = await cli(["inbox", "absent", "--payload"]);
    expect(out).toContain("note");
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(out).toContain("abc");
  });

  it("lists, shows, replays and discards dead letters", async () => {
    const receipt = await bus.send(Fail, { text: "\u001b[31mred" }, { to: "greeter" });
    await receipt.settled({ timeout: "5s" });
    const table = (await cli(["dead-letters", "list", "--agent", "greeter"])).out;
    expect(table).toContain(receipt.id);
    expect(table).toContain("cannot be done");
    const shown = await cli(["dead-letters", "show", receipt.id]);
    expect(shown.out).toContain('"HANDLER_REJECTED"');
    expect(shown.out).not.toContain("\u001b");
    const [again] = await json<{ newId: string }[]>(["dead-letters", "replay", receipt.id]);
    await expect.poll(async () => (await bus.deadLetters.list()).map((one) => one.message.id)).toEqual([again?.newId]);
    const letters = await json<{ message: { id: string; replayOf: string } }[]>(["dead-letters", "list"]);
    expect(letters.map((one) => [one.message.id, one.message.replayOf])).toEqual([[again?.newId, receipt.id]]);
    expect(await json(["dead-letters", "discard", "--all"])).toEqual({ discarded: [again?.newId] });
    expect((await cli(["dead-letters", "show", receipt.id])).code).toBe(1);
    expect((await cli(["dead-letters", "discard"])).code).toBe(2);
  });

  it("follows the events of other processes", async () => {
    const child = start(["tail", "--event", "message.ack", "--limit", "1", "--json"], {
      cwd: home,
      env: { AGENTWIRE_URL: url },
    });
    const line = firstLine(child);
    const ended = new Promise((resolve) => child.once("close", resolve));
    let over = false;
    void line.then(() => (over = true));
    // The tail says when it watches; until then what happens is not its affair, so something happens until it has seen it.
    while (!over) {
      await (await bus.send(Note, { text: "tailed" }, { to: "greeter" })).settled({ timeout: "5s" });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(JSON.parse(await line)).toMatchObject({
      type: "message.acknowledged",
      message: "note",
      recipient: "greeter",
      instance: bus.instance,
    });
    expect(await ended).toBe(0);
  });

  it("measures the engine and names the durability class", async () => {
    const result = await json<{ durability: { class: string }; figures: { perSecond: number }[] }>([
      "bench",
      "--messages",
      "50",
      "--at-once",
      "10",
    ]);
    expect(result.durability.class).toBe("power");
    expect(result.figures).toHaveLength(4);
    for (const figure of result.figures) expect(figure.perSecond).toBeGreaterThan(0);
  });

  it("finds orphaned mail, and says what to do", async () => {
    const { code, out } = await cli(["doctor", "--watch", "10ms", "--json"]);
    expect(code).toBe(1);
    const { findings } = JSON.parse(out) as { findings: { check: string; subject: string; advice: string }[] };
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "orphan",
        subject: "absent",
        advice: expect.stringContaining("Start the agent"),
      }),
    );
    expect(findings.filter((one) => one.check === "silent" || one.check === "version")).toEqual([]);
  });
});

describe("history", () => {
  it("draws the tree of a conversation, and sends recorded messages again once", async () => {
    const recorded = `sqlite:${join(home, "history.db")}`;
    const run = (args: readonly string[]): Promise<Run> =>
      agentwire(args, { cwd: home, env: { AGENTWIRE_URL: recorded } });
    const told: string[] = [];
    const own = await connect(recorded, { logger: false, history: true });
    try {
      await own.join(
        defineAgent({ name: "first", sends: [Note] }).on(Fail, async ({ payload }, ctx) => {
          await ctx.send(Note, { text: `${payload.text} <b>` }, { to: "second" });
        }),
      );
      await own.join(defineAgent({ name: "second" }).on(Note, ({ payload }) => void told.push(payload.text)));
      const { id } = await own.send(Fail, { text: "go" }, { to: "first" });
      await own.settled({ timeout: "5s" });

      const text = await run(["trace", id]);
      expect(text.out).toMatch(
        /fail from bus[\s\S]*first acknowledged[\s\S]*note from first[\s\S]*second acknowledged/,
      );
      expect((await run(["trace", id, "--svg"])).out).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
      expect((await run(["trace", id, "--dot"])).out).toMatch(/^digraph/);
      expect((await run(["trace", id, "--mermaid"])).out).toContain("flowchart");
      expect(JSON.parse((await run(["trace", id, "--json"])).out)).toMatchObject({
        messages: 2,
        roots: [{ id, type: "fail" }],
      });
      expect((await run(["trace", id, "--svg", "--dot"])).code).toBe(2);
      expect((await run(["trace", "unknown"])).code).toBe(1);

      const { code, out } = await run(["replay", "--conversation", id, "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject([{ id, type: "fail", recipients: ["first"] }]);
      await expect.poll(() => told).toEqual(["go <b>", "go <b>"]);
      // Everything that was sent to an agent: the message and its first replay, and nothing that this replay itself sends.
      expect(JSON.parse((await run(["replay", "--agent", "first", "--type", "fail", "--json"])).out)).toHaveLength(2);
      expect((await run(["replay"])).code).toBe(2);
    } finally {
      await own.close({ grace: 0 });
    }
  });
});

describe("new projects", () => {
  /** A new project that has its packages, and the way to run it. */
  async function newProject(name: string, ...args: string[]): Promise<{ readonly folder: string; run(): Run }> {
    const { code, err } = await cli(["init", name, ...args]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const folder = join(home, name);
    // The built package is not there yet: the project gets one that loads the sources.
    const modules = join(folder, "node_modules");
    mkdirSync(join(modules, "agentwire"), { recursive: true });
    writeFileSync(
      join(modules, "agentwire/package.json"),
      '{"name":"agentwire","type":"module","exports":"./index.ts"}',
    );
    writeFileSync(
      join(modules, "agentwire/index.ts"),
      `export * from ${JSON.stringify(join(project, "src/index.ts"))};\n`,
    );
    symlinkSync(join(project, "node_modules/better-sqlite3"), join(modules, "better-sqlite3"));
    const { AGENTWIRE_URL: _, ...env } = process.env;
    const run = (): Run => {
      const ended = spawnSync(process.execPath, ["--import", import.meta.resolve("tsx"), "main.js", "--once"], {
        cwd: folder,
        env,
        encoding: "utf8",
        timeout: 60_000,
      });
      return { code: ended.status, out: ended.stdout, err: ended.stderr };
    };
    return { folder, run };
  }

  it("makes one agent that runs", async () => {
    const { run } = await newProject("plain");
    expect(run()).toEqual({ code: 0, out: "greeter has heard: Are you there?\n", err: "" });
    const again = await cli(["init", "plain"]);
    expect(again.code).toBe(2);
    expect(again.err).toContain("is not empty");
  });

  it.each([
    ["startup", ["cmo", "marketing-manager", "content", "seo", "product-manager"]],
    ["engineering", ["supervisor", "backend", "frontend", "devops", "testing", "documentation"]],
  ])("makes the team %s, in a file, that runs", async (team, names) => {
    const { run } = await newProject(team, "--team", team);
    const out = names.map((name) => `${name} has heard: Are you there?\n`).join("");
    expect(run()).toEqual({ code: 0, out, err: "" });
  });

  it("says what is wrong with a team's file, and starts nothing", async () => {
    const { folder, run } = await newProject("faulty", "--team", "startup");
    writeFileSync(join(folder, "agents.yaml"), "agents:\n  - name: cmo\n    factory: leed\n    rule: cmo\n");
    const { code, out, err } = run();
    expect({ code, out }).toEqual({ code: 78, out: "" });
    expect(err).toContain('agents[0].factory (line 3): unknown factory; did you mean "lead"?');
    expect(err).toContain("agents[0].rule (line 4): unknown key");
  });
});

describe("contracts", () => {
  it("saves them, and exits with 1 when they break", async () => {
    const file = join(home, "types.ts");
    const source = (
      required: string,
    ) => `import { defineMessage } from ${JSON.stringify(join(project, "src/index.ts"))};
export const Paid = defineMessage("paid", { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, required: [${required}] });\n`;
    writeFileSync(file, source('"a"'));
    expect((await cli(["schema", "export", file])).code).toBe(0);
    expect((await cli(["schema", "check", file])).code).toBe(0);
    writeFileSync(file, source('"a", "b"'));
    const { code, out } = await cli(["schema", "check", file]);
    expect(code).toBe(1);
    expect(out).toContain("breaks paid");
    expect((await cli(["schema", "check", join(home, "absent.ts")])).code).toBe(2);
  });
});

describe("hostile input", () => {
  const oneLine = (run: Run): void => {
    expect(run.code).toBe(2);
    expect(run.out).toBe("");
    expect(run.err).not.toContain("    at ");
  };

  it("takes shell text as data", async () => {
    const marker = join(home, "marker");
    for (const name of [`; touch ${marker}`, `$(touch ${marker})`, "`id`", "a\nb", "\u001b[31m"]) {
      const run = await cli(["send", name, "note", "{}"]);
      oneLine(run);
      expect(run.err).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
      oneLine(await cli(["publish", name, "note", "{}"]));
    }
    expect((await cli(["send", "--evil", "note", "{}"])).code).toBe(2);
    expect((await cli(["send", "--", "-rf", "note", "{}"])).code).not.toBe(0);
    expect((await cli(["nonsense"])).code).toBe(2);
    expect(() => execFileSync("ls", [marker], { stdio: "ignore" })).toThrow();
  });

  it("refuses a body from a folder, a FIFO, a huge and an unreadable file", async () => {
    const huge = join(home, "huge.json");
    writeFileSync(huge, "");
    truncateSync(huge, 10 * 1024 ** 3);
    const fifo = join(home, "fifo");
    execFileSync("mkfifo", [fifo]);
    for (const file of [home, fifo, huge, join(home, "absent.json"), "/dev/zero"]) {
      const run = await cli(["send", "greeter", "note", "--file", file]);
      oneLine(run);
      expect(run.err.trim().split("\n")).toHaveLength(2);
    }
    oneLine(await cli(["send", "greeter", "note", "{not json"]));
    oneLine(await cli(["send", "greeter", "note", "-"], `"${"x".repeat(11 * 1024 * 1024)}"`));
  });

  it("refuses a password among the arguments, without repeating it", async () => {
    const run = await cli(["agents", "--url", "redis://user:hunter2@localhost"]);
    oneLine(run);
    expect(run.err).toContain("AGENTWIRE_URL");
    expect(run.err).not.toContain("hunter2");
  });
});

describe("help", () => {
  it("shows examples and the exit codes", async () => {
    const { code, out } = await cli(["--help"]);
    expect(code).toBe(0);
    expect(out).toContain("Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 timed out");
    expect((await cli(["request", "--help"])).out).toContain("Examples:");
  });
});

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
  });
}

describe("migrate", () => {
  it("carries a bus, tells how far it is, and names URLs with passwords by their variables", async () => {
    const [from, to] = ["old", "new"].map((name) => `sqlite:${join(home, `${name}.db`)}`) as [string, string];
    const old = await connect(from, { logger: false });
    for (const text of ["one", "two"]) await old.send(Note, { text }, { to: "someone", ifUnknown: "hold" });
    await old.close();
    const first = await cli(["migrate", from, to]);
    expect(first).toMatchObject({ code: 0, err: "carrying state\ncarrying messages\n" });
    expect(first.out).toBe("2 waiting messages were carried; 0 values; 0 entries of logs\n");
    const again = await cli(["migrate", from, to]);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("[ENGINE_STATE]")]);
    const env = { AGENTWIRE_URL: url, NEW: to };
    const forced = await agentwire(["migrate", from, "env:NEW", "--force", "--json"], { cwd: home, env });
    expect(JSON.parse(forced.out)).toMatchObject({ messages: 2, messagesThereBefore: 2, attempts: true });
    expect(forced.err).toBe("");
    const secret = await cli(["migrate", from, "postgres://a:secret@host/bus"]);
    expect([secret.code, secret.err]).toEqual([2, expect.stringContaining("env:NAME")]);
    expect(secret.err).not.toContain("secret");
    expect((await cli(["migrate", from, "env:UNSET_NAME"])).code).toBe(2);
  });
});

describe("salvage", () => {
  it("writes what waits in a file as JSON lines, and says what cannot be read at all", async () => {
    const file = join(home, "with space.db");
    const other = await connect(`sqlite:${encodeURI(file)}`, { logger: false });
    for (const text of ["one", "two"]) await other.send(Note, { text }, { to: "away", ifUnknown: "hold" });
    await other.close();
    const { code, out, err } = await cli(["salvage", file]);
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { bus: "default/default", inbox: "away", message: { type: "note", payload: { text: "one" } } },
      { bus: "default/default", inbox: "away", message: { type: "note", payload: { text: "two" } } },
    ]);
    expect(err).toContain("2 messages were read");
    writeFileSync(file, "not a database ".repeat(100));
    const refused = await cli(["salvage", file]);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("STORE_CORRUPT");
  });
});
