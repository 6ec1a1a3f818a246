import type { SendOptions } from "agentwire";
import { expect, it } from "vitest";
import { onEmbeddedDrivers } from "../support/buses.ts";
import { Anything, victimOn } from "./victim.ts";

type Options = SendOptions<typeof Anything>;

onEmbeddedDrivers("a hostile option", (buses) => {
  it("B7 an own __proto__ from parsed JSON is ignored: options are read field by field", async () => {
    const victim = await victimOn(await buses.open());
    const options = JSON.parse(
      '{"to":"victim","__proto__":{"polluted":1,"priority":"critical","delay":"1h","to":"nobody"}}',
    ) as Options;
    const receipt = await victim.bus.send(Anything, "kept", options);
    await receipt.settled({ timeout: "5s" });
    expect(receipt.recipients).toEqual(["victim"]);
    expect(victim.handled).toEqual(["kept"]);
    await victim.isUnharmed();
  });

  it("B7 headers, budgets and filters do not reach a prototype either", async () => {
    const victim = await victimOn(await buses.open());
    const headers = JSON.parse('{"__proto__":{"polluted":"1"}}') as Record<string, string>;
    await victim.refuses(() => victim.bus.send(Anything, 1, { to: "victim", headers }), "ARGUMENT_INVALID");
    const budget = JSON.parse('{"messages":5,"__proto__":{"polluted":1}}') as { messages: number };
    await (await victim.bus.send(Anything, 1, { to: "victim", budget })).settled({ timeout: "5s" });
    await victim.isUnharmed();
  });

  it.each([
    -1,
    Number.NaN,
    1e308,
    "60",
    2 ** 53 + 1,
    Number.POSITIVE_INFINITY,
    "-5s",
    "1e9d",
    "",
    null,
    {},
    "99999999999999999999d",
  ])("B10 a time to live of %s is OUT_OF_RANGE", async (ttl) => {
    const victim = await victimOn(await buses.open());
    await victim.refuses(() => victim.bus.send(Anything, 1, { to: "victim", ttl: ttl as never }), "OUT_OF_RANGE");
  });

  it("B10 a time to live of 0 is valid: expired at once, never handled", async () => {
    const victim = await victimOn(await buses.open());
    const receipt = await victim.bus.send(Anything, "never", { to: "victim", ttl: 0 });
    expect((await receipt.settled({ timeout: "5s" })).ends).toEqual({ victim: "expired" });
    expect(victim.handled).toEqual([]);
    await victim.isUnharmed();
  });

  it.each([99, -1, 1.5, "high ", "HIGH", "", "constructor", "__proto__", {}, 5n, Symbol("high")])(
    "B11 a priority of %s is OUT_OF_RANGE",
    async (priority) => {
      const victim = await victimOn(await buses.open());
      await victim.refuses(
        () => victim.bus.send(Anything, 1, { to: "victim", priority: priority as never }),
        "OUT_OF_RANGE",
      );
    },
  );

  it.each([2 ** 31, 2 ** 31 - 1, 2 ** 32 + 1, "30d", "365d"])(
    "B12 a timeout of %s waits, it does not fire at once",
    async (timeout) => {
      const victim = await victimOn(await buses.open());
      const asked = new AbortController();
      const silent = victim.bus.request(Anything, 1, { to: "victim", timeout: timeout as never, signal: asked.signal });
      const quick = await Promise.race([
        silent.then(
          () => "answered",
          (error: { code: string }) => error.code,
        ),
        new Promise((resolve) => setTimeout(resolve, 60, "waits")),
      ]);
      expect(quick).toBe("waits");
      asked.abort();
      await expect(silent).rejects.toMatchObject({ code: "ABORTED" });
    },
  );

  it("B12 a delay of more than 2^31 ms holds the message back", async () => {
    const victim = await victimOn(await buses.open());
    await victim.bus.send(Anything, "later", { to: "victim", delay: "60d" });
    await victim.isUnharmed();
    expect(victim.handled).toEqual(["still here"]);
    expect((await victim.bus.inboxes.get("victim"))?.delayed).toBe(1);
  });
});
