import { AgentwireError, defineAgent, defineMessage } from "agentwire";
import { expect, it } from "vitest";
import { z } from "zod";
import { failure, onEachDriver } from "../support/buses.ts";

const Note = defineMessage("note", z.object({ text: z.string() }));

onEachDriver("joining", (buses) => {
  it("leaves no trace of an agent whose onStart throws, and takes it once it does not", async () => {
    const bus = await buses.open();
    let broken = true;
    const reader = defineAgent({
      name: "reader",
      onStart: () => {
        if (broken) throw new Error("no database");
      },
    }).on(Note, () => {});
    expect(await failure(bus.join(reader))).toMatchObject({ message: "no database" });
    expect(await bus.agents.get("reader")).toBeUndefined();
    expect(await bus.agents.contract("reader")).toBeUndefined();
    expect(await bus.inboxes.get("reader")).toBeUndefined();
    expect(AgentwireError.is(await failure(bus.send(Note, { text: "x" }, { to: "reader" })), "AGENT_NOT_FOUND")).toBe(
      true,
    );
    broken = false;
    await bus.join(reader);
    expect((await bus.send(Note, { text: "x" }, { to: "reader" })).recipients).toEqual(["reader"]);
  });

  it("leaves the record of an agent as it was when the onStart of its successor throws", async () => {
    const bus = await buses.open();
    const before = await bus.join(defineAgent({ name: "reader", description: "old" }).on(Note, () => {}));
    await before.leave();
    const successor = defineAgent({
      name: "reader",
      description: "new",
      onStart: () => Promise.reject(new Error("no database")),
    });
    await failure(bus.join(successor));
    expect(await bus.agents.get("reader")).toMatchObject({ description: "old" });
  });

  it("closes what onStart opened when joining fails after it", async () => {
    const bus = await buses.open();
    await bus.join(defineAgent({ name: "reader", role: "reading" }).on(Note, () => {}));
    const log: string[] = [];
    const other = defineAgent({
      name: "reader",
      role: "writing",
      onStart: () => void log.push("start"),
      onStop: () => void log.push("stop"),
    });
    expect(AgentwireError.is(await failure(bus.join(other)), "AGENT_CONFLICT")).toBe(true);
    expect(log).toEqual(["start", "stop"]);
  });
});
