import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentChange } from "../../src/registry/agent-changes.ts";
import { agent, changed, doing, Registries, settled } from "./registries.ts";

let processes: Registries;
beforeEach(() => {
  processes = new Registries();
});
afterEach(() => processes.stop());

describe("registering", () => {
  it("is seen by other processes, and by those that start later", async () => {
    const one = await processes.start("one");
    const two = await processes.start("two");
    await one.register(agent("ada", { role: "clerk", receives: ["greet"] }));
    await settled();
    expect(two.directory.get("ada")?.record.role).toBe("clerk");
    const three = await processes.start("three");
    expect(three.directory.takers("greet").map((entry) => entry.record.name)).toEqual(["ada"]);
  });

  it("shows exactly the revision of the store", async () => {
    const one = await processes.start("one");
    const two = await processes.start("two");
    const store = await processes.store();
    for (const registry of [one, two]) {
      await registry.register(agent(`of-${registry === one ? "one" : "two"}`));
      expect(registry.directory.revision).toBe(await store.revision("registry"));
    }
    await settled();
    expect(one.directory.revision).toBe(two.directory.revision);
    await one.subscribe("of-one", "news.*");
    expect(one.directory.revision).toBe(await store.revision("registry"));
    await one.remove("of-one");
    expect(one.directory.revision).toBe(await store.revision("registry"));
  });

  it("writes nothing when the definition is the same", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada", { labels: ["x"], firstSeen: 5 }));
    const before = await (await processes.store()).revision("registry");
    await one.register(agent("ada", { firstSeen: 9, labels: ["x"] }));
    expect(await (await processes.store()).revision("registry")).toBe(before);
    expect(one.directory.get("ada")?.record.firstSeen).toBe(5);
  });

  it("lets the newest definition stand while another instance runs", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada", { receives: ["a"], subscribes: ["x.a"], capabilities: [{ name: "add" }] }));
    one.announce("ada", doing("ada"));
    await settled();
    await two.register(agent("ada", { receives: ["a", "b"], subscribes: ["x.b"], capabilities: [{ name: "sub" }] }));
    await settled();
    const record = one.directory.get("ada")?.record;
    expect(record?.receives).toEqual(["a", "b"]);
    expect(record?.subscribes).toEqual(["x.b"]);
    expect(record?.capabilities).toEqual([{ name: "sub" }]);
  });

  it("keeps what was subscribed to at run time", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada", { subscribes: ["declared"] }));
    await one.subscribe("ada", "added.*");
    await one.register(agent("ada", { subscribes: ["declared.anew"] }));
    expect(one.directory.get("ada")?.record.subscribes).toEqual(["declared.anew", "added.*"]);
    await one.unsubscribe("ada", "added.*");
    await one.register(agent("ada", { subscribes: ["declared.anew"] }));
    expect(one.directory.get("ada")?.record.subscribes).toEqual(["declared.anew"]);
  });

  it.each([
    ["kind", { kind: "human" }],
    ["role", { role: "chief" }],
  ] as const)("refuses another %s while an instance runs, and takes it afterwards", async (field, other) => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada", { role: "clerk" }));
    one.announce("ada", doing("ada"));
    await settled();
    const refused = two.register(agent("ada", { role: "clerk", ...other }));
    await expect(refused).rejects.toMatchObject({ code: "AGENT_CONFLICT", details: { agent: "ada", field } });
    await one.retire("ada");
    await settled();
    await two.register(agent("ada", { role: "clerk", ...other }));
    expect(two.directory.get("ada")?.record).toMatchObject(other);
  });

  it("loses no subscription when processes write at once", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? one : two).subscribe("ada", `c${at}`)));
    await settled();
    expect(one.directory.get("ada")?.record.subscribes).toHaveLength(20);
    expect(two.directory.get("ada")?.record.subscribes).toHaveLength(20);
  });

  it("takes 1,000 subscriptions of an agent and refuses the next", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada", { subscribes: Array.from({ length: 1_000 }, (_, at) => `c${at}`) }));
    await expect(one.subscribe("ada", "one.more")).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: 1_000 },
    });
    await one.subscribe("ada", "c5");
    expect(one.directory.subscribers("one.more")).toEqual([]);
  });

  it("refuses a record of a megabyte and a bad pattern, and stores neither", async () => {
    const one = await processes.start("one");
    const capabilities = Array.from({ length: 40_000 }, (_, at) => ({ name: `capability-number-${at}` }));
    await expect(one.register(agent("ada", { capabilities }))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await expect(one.register(agent("ada", { subscribes: ["**.x"] }))).rejects.toMatchObject({
      code: "PATTERN_INVALID",
    });
    expect(await (await processes.store()).list("registry/")).toEqual([]);
  });

  it("names the nearest when an unknown agent subscribes", async () => {
    const one = await processes.start("one");
    await one.register(agent("planner"));
    await expect(one.subscribe("planer", "x")).rejects.toMatchObject({
      code: "AGENT_NOT_FOUND",
      details: { suggestions: ["planner"] },
    });
  });

  it("shows an agent at once while reading all records has to wait", async () => {
    const one = await processes.start("one");
    const store = await processes.store();
    await store.put("registry/agents/late", { name: "other", receives: [] });
    await store.put("registry/agents/broken", "not a record");
    await one.register(agent("ada"));
    expect(one.directory.all().map((entry) => entry.record.name)).toEqual(["ada"]);
  });
});

describe("presence", () => {
  it("is online, then stale after 3 missed heartbeats, then offline after 6 [registry.status]", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    await processes.signal("presence", {
      instance: "gone",
      beat: 1,
      heartbeat: 10_000,
      agents: [{ agent: "ada", running: 0, concurrency: 2 }],
    });
    expect(two.directory.get("ada")).toMatchObject({ status: "online", concurrency: 2 });
    await processes.clock.advance(29_999);
    expect(two.directory.get("ada")?.status).toBe("online");
    await processes.clock.advance(1);
    expect(two.directory.get("ada")).toMatchObject({ status: "stale", concurrency: 1 });
    await processes.clock.advance(29_999);
    expect(two.directory.get("ada")?.status).toBe("stale");
    await processes.clock.advance(1);
    expect(two.directory.get("ada")?.status).toBe("offline");
  });

  it("stays online by its heartbeats, one for all agents of a process", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    for (const name of ["ada", "bob", "cid"]) {
      await one.register(agent(name));
      one.announce(name, doing(name));
    }
    await settled();
    const store = await processes.store();
    const before = await store.revision("presence");
    await processes.clock.advance(600_000);
    expect((await store.list("presence/")).map((entry) => entry.key)).toEqual(["presence/one"]);
    expect(two.directory.all().map((entry) => entry.status)).toEqual(["online", "online", "online"]);
    expect((await store.get("presence/one"))?.revision).toBeGreaterThan(before);
  });

  it("costs nothing where no agent runs", async () => {
    await processes.start("one");
    const store = await processes.store();
    await processes.clock.advance(600_000);
    expect(await store.list("")).toEqual([]);
    expect(processes.clock.pending).toBeLessThanOrEqual(1);
  });

  it("counts arrival, not the teller's clock", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada"));
    const year = 365 * 86_400_000;
    const told = {
      instance: "two",
      heartbeat: year,
      at: processes.clock.now() + year,
      agents: [{ agent: "ada", running: 0, concurrency: 1 }],
    };
    await processes.signal("presence", { ...told, beat: 1 });
    expect(one.directory.get("ada")?.lastSeen).toBe(processes.clock.now());
    // An interval beyond ten minutes is not believed either.
    await processes.clock.advance(30 * 60_000);
    expect(one.directory.get("ada")?.status).toBe("stale");
  });

  it.each([
    ["nothing", undefined],
    ["a text", "hello"],
    ["no list", { instance: "x", beat: 1, heartbeat: 1000, agents: "ada" }],
    [
      "a foreign status",
      {
        instance: "x",
        beat: 1,
        heartbeat: 1000,
        agents: [{ agent: "ada", running: 0, concurrency: 1, status: "offline" }],
      },
    ],
  ])("leaves aside %s in place of a presence", async (_, data) => {
    const one = await processes.start("one");
    await one.register(agent("ada"));
    await processes.signal("presence", data);
    expect(one.directory.get("ada")?.status).toBe("offline");
  });

  it("lets no late signal bring back a process that left", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    one.announce("ada", doing("ada"));
    await settled();
    const stored = (await (await processes.store()).get("presence/one"))?.value;
    await one.stop();
    await settled();
    expect(two.directory.get("ada")?.status).toBe("offline");
    await processes.signal("presence", stored);
    expect(two.directory.get("ada")?.status).toBe("offline");
  });

  it("finds a departure by the store when its signal was lost", async () => {
    const quiet = { signal: () => {}, onSignal: () => () => {} };
    const one = await processes.start("one", { signals: quiet });
    const two = await processes.start("two", { signals: quiet });
    await one.register(agent("ada"));
    one.announce("ada", doing("ada"));
    await settled();
    expect(two.directory.get("ada")?.status).toBe("online");
    await one.stop();
    await settled();
    expect(two.directory.get("ada")?.status).toBe("offline");
    expect(await (await processes.store()).list("presence/")).toEqual([]);
  });

  it("knows at its start how old a stored presence is", async () => {
    await processes.start("one").then((one) => one.register(agent("ada")));
    const presence = {
      instance: "dead",
      beat: 1,
      heartbeat: 10_000,
      agents: [{ agent: "ada", running: 0, concurrency: 1 }],
    };
    await (await processes.store()).put("presence/dead", presence, { ttl: 60_000 });
    await processes.clock.advance(35_000);
    const late = await processes.start("late");
    expect(late.directory.get("ada")?.status).toBe("stale");
    expect(late.directory.get("ada")?.lastSeen).toBe(processes.clock.now() - 35_000);
  });

  it("remembers when an agent was last seen after everyone has stopped", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada"));
    one.announce("ada", doing("ada"));
    await one.stop();
    const seen = processes.clock.now();
    await processes.clock.advance(3 * 86_400_000);
    expect((await processes.start("two")).directory.get("ada")?.lastSeen).toBe(seen);
  });

  it("keeps a status that the agent set, through heartbeats and load", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    const state: { agent: string; running: number; concurrency: number; status?: "away" } = {
      agent: "ada",
      running: 0,
      concurrency: 1,
      status: "away",
    };
    one.announce("ada", () => ({ ...state }));
    await settled();
    state.running = 1;
    await processes.clock.advance(50_000);
    expect(two.directory.get("ada")?.status).toBe("away");
    delete state.status;
    await one.announceNow();
    await settled();
    expect(two.directory.get("ada")?.status).toBe("busy");
  });

  it("adds up the instances of a name, in this process and in others", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    const first = doing("ada", { running: 1 });
    one.announce("ada", first);
    one.announce("ada", doing("ada"));
    two.announce("ada", doing("ada", { concurrency: 4, running: 2 }));
    await settled();
    expect(await two.get("ada")).toMatchObject({ status: "online", instances: ["one", "two"], running: 3, load: 0.5 });
    await one.retire("ada", first);
    await settled();
    expect(await two.get("ada")).toMatchObject({ running: 2, load: 0.4 });
  });

  it("goes on when the store fails for a while", async () => {
    const store = await processes.store();
    let isAway = false;
    const failing = changed(store, {
      put: (...given: Parameters<typeof store.put>) =>
        isAway ? Promise.reject(new Error("away")) : store.put(...given),
    });
    const one = await processes.start("one", { store: failing });
    const two = await processes.start("two");
    await one.register(agent("ada"));
    one.announce("ada", doing("ada"));
    await settled();
    isAway = true;
    await processes.clock.advance(90_000);
    expect(two.directory.get("ada")?.status).toBe("online");
    isAway = false;
    await processes.clock.advance(10_000);
    expect(await store.get("presence/one")).toBeDefined();
  });
});

describe("finding", () => {
  it("finds by an AND of what is given", async () => {
    const one = await processes.start("one");
    await one.register(
      agent("ada", {
        role: "clerk",
        department: "sales",
        region: "eu",
        labels: ["vip"],
        receives: ["a"],
        capabilities: [{ name: "add", version: "2" }],
      }),
    );
    await one.register(agent("bob", { role: "clerk", department: "legal", kind: "human", firstSeen: 0 }));
    one.announce("ada", doing("ada"));
    await settled();
    const names = async (filter: Parameters<typeof one.find>[0]) => (await one.find(filter)).map((found) => found.name);
    expect(await names({})).toEqual(["bob", "ada"]);
    expect(await names({ role: "clerk" })).toEqual(["bob", "ada"]);
    expect(await names({ role: "clerk", department: "sales" })).toEqual(["ada"]);
    expect(await names({ region: "eu", label: "vip", type: "a", capability: "add" })).toEqual(["ada"]);
    expect(await names({ capabilities: ["add@2"] })).toEqual(["ada"]);
    expect(await names({ capabilities: ["add", "sub"] })).toEqual([]);
    expect(await names({ kind: "human" })).toEqual(["bob"]);
    expect(await names({ status: ["online", "busy"] })).toEqual(["ada"]);
    expect(await names({ status: "offline" })).toEqual(["bob"]);
    expect(await names({ exclude: ["ada"] })).toEqual(["bob"]);
    expect(await names({ name: "ada" })).toEqual(["ada"]);
  });

  it("joins in what waits", async () => {
    const asked: (readonly string[] | undefined)[] = [];
    const one = await processes.start("one", {
      loads: async (inboxes) => {
        asked.push(inboxes);
        return new Map([["ada", 6]]);
      },
    });
    await one.register(agent("ada", { concurrency: 3 }));
    await one.register(agent("bob"));
    expect(await one.get("ada")).toMatchObject({ waiting: 6, load: 2 });
    expect(await one.get("bob")).not.toHaveProperty("waiting");
    expect(await one.get("cid")).toBeUndefined();
    expect(asked).toEqual([["ada"], ["bob"]]);
    expect(await one.stats()).toMatchObject({ total: 2, byStatus: { offline: 2 }, averageLoad: 0 });
  });

  it("picks through the filter, leaving some out", async () => {
    const one = await processes.start("one");
    for (const name of ["ada", "bob", "cid"])
      await one.register(agent(name, { role: name === "cid" ? "chief" : "clerk" }));
    expect((await one.pick({ role: "clerk" }, { exclude: ["ada"] }))?.name).toBe("bob");
    expect(await one.pick({ role: "nobody" })).toBeUndefined();
  });
});

describe("removing and watching", () => {
  it("removes an agent that does not run, and one that does only by force", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    await one.register(agent("ada"));
    one.announce("ada", doing("ada"));
    await settled();
    await expect(two.remove("ada")).rejects.toMatchObject({ code: "AGENT_CONFLICT", details: { instances: ["one"] } });
    expect(await two.remove("ada", { force: true })).toBe(true);
    await settled();
    expect(one.directory.get("ada")).toBeUndefined();
    expect(await one.remove("ada")).toBe(false);
  });

  it("tells who comes, goes and changes", async () => {
    const [one, two] = [await processes.start("one"), await processes.start("two")];
    const seen: AgentChange[] = [];
    await one.register(agent("ada"));
    await settled();
    const stop = two.watch((change) => seen.push(change));
    let away = false;
    const state = doing("ada");
    one.announce("ada", () => (away ? { ...state(), status: "away" } : state()));
    await settled();
    away = true;
    await one.announceNow();
    await settled();
    await one.stop();
    await settled();
    expect(seen.map(({ type, agent, status }) => [type, agent, status])).toEqual([
      ["joined", "ada", "online"],
      ["status", "ada", "away"],
      ["left", "ada", "offline"],
    ]);
    stop();
    await processes.signal("presence", { instance: "x", beat: 1, heartbeat: 1_000, agents: [state()] });
    expect(seen).toHaveLength(3);
  });

  it("tells of those who are missed", async () => {
    const one = await processes.start("one");
    await one.register(agent("ada"));
    await processes.signal("presence", {
      instance: "x",
      beat: 1,
      heartbeat: 10_000,
      agents: [{ agent: "ada", running: 0, concurrency: 1 }],
    });
    const seen: string[] = [];
    one.watch((change) => seen.push(`${change.type} ${change.status}`));
    await processes.clock.advance(80_000);
    expect(seen).toEqual(["status stale", "left offline"]);
  });

  it("finds changes that no watch told of", async () => {
    const store = await processes.store();
    const deaf = changed(store, { watch: () => () => {} });
    const one = await processes.start("one", { store: deaf });
    const two = await processes.start("two");
    await two.register(agent("ada"));
    await settled();
    expect(one.directory.get("ada")).toBeUndefined();
    await processes.clock.advance(30_000);
    expect(one.directory.get("ada")).toBeDefined();
    expect(one.directory.revision).toBe(await store.revision("registry"));
  });
});
