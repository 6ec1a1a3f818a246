import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentwireError,
  type CrewChange,
  defineAgent,
  defineMessage,
  type Factories,
  type LoadOptions,
} from "agentwire";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { failure, gate, onEmbeddedDrivers } from "../support/buses.ts";

const Ask = defineMessage("ask", z.object({}), { reply: z.object({ answer: z.string() }) });
const NOTHING: CrewChange = { joined: [], changed: [], left: [] };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Agent {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly role?: string;
}

function put(agents: readonly Agent[] | string, name = "agents.json"): string {
  const path = join(folder, name);
  // Written beside and renamed, as editors do.
  writeFileSync(`${path}.new`, typeof agents === "string" ? agents : JSON.stringify({ agents }));
  renameSync(`${path}.new`, path);
  return path;
}

/** Agents that answer with their option, and tell when they start and stop. */
function telling(log: string[]): Factories {
  return {
    default: ({ name, options }) =>
      defineAgent({
        name,
        onStart: () => {
          if (options["broken"]) throw new Error("no engine");
          log.push(`+${name}`);
        },
        onStop: () => void log.push(`-${name}`),
      }).on(Ask, () => ({ answer: String(options["answer"]) })),
  };
}

onEmbeddedDrivers("a crew", (buses) => {
  it("follows its file: new agents join, changed ones join again, absent ones leave, the others go on", async () => {
    const bus = await buses.open();
    const log: string[] = [];
    const file = put([{ name: "a", options: { answer: 1 } }, { name: "b" }, { name: "c", role: "x" }]);
    const crew = await bus.load(file, { factories: telling(log) });
    const before = crew.agents;
    log.length = 0;

    put([{ name: "d" }, { role: "x", name: "c" }, { options: { answer: 2 }, name: "a" }]);
    expect(await crew.reload()).toEqual({ joined: ["d"], changed: ["a"], left: ["b"] });
    expect([...log].sort()).toEqual(["+a", "+d", "-a", "-b"]);
    expect([...crew.agents.keys()].sort()).toEqual(["a", "c", "d"]);
    expect(crew.agents.get("c")).toBe(before.get("c"));
    expect(await bus.request(Ask, {}, { to: "a" })).toEqual({ answer: "2" });
    expect((await bus.agents.get("b"))?.status).toBe("offline");
    expect(await crew.reload()).toEqual(NOTHING);
  });

  it("keeps what waits for an agent while it is changed", async () => {
    const bus = await buses.open();
    const started = gate();
    const go = gate();
    const done: string[] = [];
    const factories: Factories = {
      default: ({ name, options }) =>
        defineAgent({ name, concurrency: 1 }).on(Ask, async () => {
          started.open();
          await go.promise;
          done.push(String(options["answer"]));
          return { answer: "" };
        }),
    };
    const crew = await bus.load(put([{ name: "a", options: { answer: "old" } }]), { factories });
    const receipts = [await bus.send(Ask, {}, { to: "a" })];
    await started.promise;
    put([{ name: "a", options: { answer: "new" } }]);
    const reload = crew.reload();
    receipts.push(await bus.send(Ask, {}, { to: "a" }));
    go.open();
    await reload;
    receipts.push(await bus.send(Ask, {}, { to: "a" }));
    for (const receipt of receipts)
      expect((await receipt.settled({ timeout: "5s" })).ends).toEqual({ a: "acknowledged" });
    expect(done).toHaveLength(3);
    expect(done.at(0)).toBe("old");
    expect(done.at(-1)).toBe("new");
  });

  it("changes nothing for a file with faults", async () => {
    const bus = await buses.open();
    const log: string[] = [];
    const crew = await bus.load(put([{ name: "a" }]), { factories: telling(log) });
    put('{"agents": [{"name": "b"}, {"name": "c", "rule": 1}]}');
    await expect(crew.reload()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    rmSync(crew.file);
    await expect(crew.reload()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(log).toEqual(["+a"]);
    put([{ name: "a" }]);
    expect(await crew.reload()).toEqual(NOTHING);
  });

  it("lets an agent that cannot join go on as it was", async () => {
    const bus = await buses.open();
    const log: string[] = [];
    const crew = await bus.load(put([{ name: "a", options: { answer: 1 } }]), { factories: telling(log) });
    put([{ name: "a", options: { broken: true } }, { name: "b" }]);
    await expect(crew.reload()).rejects.toThrow("no engine");
    expect(await bus.request(Ask, {}, { to: "a" })).toEqual({ answer: "1" });
    expect([...crew.agents.keys()].sort()).toEqual(["a", "b"]);
    put([{ name: "a", options: { answer: 3 } }, { name: "b" }]);
    expect(await crew.reload()).toEqual({ ...NOTHING, changed: ["a"] });
  });

  it("is done with an agent whose onStop throws", async () => {
    const bus = await buses.open();
    const factories: Factories = {
      default: ({ name, options }) =>
        defineAgent({
          name,
          onStop: () => {
            if (options["stuck"]) throw new Error("stuck");
          },
        }),
    };
    const agents = [
      { name: "a", options: { stuck: true } },
      { name: "b", options: { stuck: true } },
    ];
    const crew = await bus.load(put(agents), { factories });
    put([{ name: "a" }]);
    expect(await crew.reload()).toEqual({ joined: [], changed: ["a"], left: ["b"] });
    expect([...crew.agents.keys()]).toEqual(["a"]);
  });

  it("joins an agent again that has left by itself", async () => {
    const bus = await buses.open();
    const crew = await bus.load(put([{ name: "a" }]), { factories: telling([]) });
    await crew.agents.get("a")?.leave();
    expect(crew.agents.size).toBe(0);
    expect(await crew.reload()).toEqual({ ...NOTHING, joined: ["a"] });
  });

  it("takes reloads one after the other", async () => {
    const bus = await buses.open();
    const log: string[] = [];
    const crew = await bus.load(put([]), { factories: telling(log) });
    put([{ name: "a" }]);
    expect(await Promise.all([crew.reload(), crew.reload()])).toEqual([{ ...NOTHING, joined: ["a"] }, NOTHING]);
    expect(log).toEqual(["+a"]);
  });

  it("leaves as a whole, and is closed then", async () => {
    const bus = await buses.open();
    const log: string[] = [];
    const crew = await bus.load(put([{ name: "a" }, { name: "b" }]), { factories: telling(log), watch: true });
    await crew.leave();
    expect([...log].sort()).toEqual(["+a", "+b", "-a", "-b"]);
    expect(crew.agents.size).toBe(0);
    await expect(crew.reload()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("joins the new definitions of a module that has changed", async () => {
    const bus = await buses.open();
    const library = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
    const source = (answer: string): string => `import { defineAgent, defineMessage } from ${library};
const Ask = defineMessage("ask", { type: "object", properties: {} }, { reply: { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] } });
export default defineAgent({ name: "a" }).on(Ask, () => ({ answer: "${answer}" }));\n`;
    const crew = await bus.load(put(source("one"), "agents.mjs"));
    expect(await crew.reload()).toEqual(NOTHING);
    put(source("two"), "agents.mjs");
    expect(await crew.reload()).toEqual({ ...NOTHING, changed: ["a"] });
    expect(await bus.request(Ask, {}, { to: "a" })).toEqual({ answer: "two" });
  });
});

onEmbeddedDrivers("a watched file", (buses) => {
  /** What the next change, or fault, of the file leads to. */
  function news(): LoadOptions & { next(): Promise<CrewChange | unknown> } {
    const told: unknown[] = [];
    let wake = (): void => {};
    const tell = (value: unknown): void => {
      told.push(value);
      wake();
    };
    return {
      onChange: tell,
      onFault: tell,
      next: async () => {
        if (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        return told.shift();
      },
    };
  }

  it("is read again when it changes, and a fault in it is told while the old crew goes on", async () => {
    const bus = await buses.open();
    const { next, ...listeners } = news();
    const file = put([{ name: "a" }]);
    const crew = await bus.load(file, { factories: telling([]), watch: true, ...listeners });
    put([{ name: "a" }, { name: "b" }]);
    expect(await next()).toEqual({ ...NOTHING, joined: ["b"] });
    put('{"agents": [{"name": "c", "rule": 1}]}');
    expect(AgentwireError.is(await next(), "CONFIG_INVALID")).toBe(true);
    expect([...crew.agents.keys()].sort()).toEqual(["a", "b"]);
    // Written in place, it may be seen half written: that is a fault, and then it is read again.
    writeFileSync(file, JSON.stringify({ name: "c" }));
    let change = await next();
    while (AgentwireError.is(change, "CONFIG_INVALID")) change = await next();
    expect(change).toEqual({ joined: ["c"], changed: [], left: ["a", "b"] });
  });

  it("is read again when the folder it is mounted from is replaced", async () => {
    const bus = await buses.open();
    const { next, ...listeners } = news();
    const mount = (version: string, names: readonly string[]): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "agents.json"), JSON.stringify({ agents: names.map((name) => ({ name })) }));
      symlinkSync(version, join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    mount("..1", ["a"]);
    symlinkSync("..data/agents.json", join(folder, "agents.json"));
    await bus.load(join(folder, "agents.json"), { factories: telling([]), watch: true, ...listeners });
    mount("..2", ["a", "b"]);
    expect(await next()).toEqual({ ...NOTHING, joined: ["b"] });
  });

  it("is watched no more when the bus has closed", async () => {
    const bus = await buses.open();
    const crew = await bus.load(put([{ name: "a" }]), { factories: telling([]), watch: true });
    await bus.close();
    expect(crew.agents.size).toBe(0);
    expect(AgentwireError.is(await failure(crew.reload()), "CLOSED")).toBe(true);
  });

  it("is not watched when the bus closes while it is loaded", async () => {
    const bus = await buses.open();
    const closing = gate<Promise<void>>();
    const factories: Factories = {
      default: async ({ name }) => {
        closing.open(bus.close());
        return defineAgent({ name });
      },
    };
    await expect(bus.load(put([{ name: "a" }]), { factories, watch: true })).rejects.toMatchObject({ code: "CLOSED" });
    await closing.promise;
  });

  it("goes on when a listener throws", async () => {
    const bus = await buses.open();
    const { next, onFault } = news();
    const onChange = (): void => {
      throw new Error("a listener's own");
    };
    const crew = await bus.load(put([]), {
      factories: telling([]),
      watch: true,
      onChange,
      onFault: (error) => {
        onFault?.(error);
        throw error;
      },
    });
    put([{ name: "a" }]);
    expect(await next()).toMatchObject({ message: "a listener's own" });
    expect([...crew.agents.keys()]).toEqual(["a"]);
    put([{ name: "a" }, { name: "b" }]);
    await next();
    expect([...crew.agents.keys()]).toEqual(["a", "b"]);
  });
});
