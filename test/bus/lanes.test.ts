import { type Bus, defineAgent, defineMessage, linear } from "agentwire";
import { testBus } from "agentwire/testing";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";

const Step = defineMessage("step", z.object({ key: z.string(), n: z.number() }));

const buses: Bus[] = [];
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close({ grace: 0 });
});

it("skips what is withdrawn while its order key waits between two attempts [cancel.waiting]", async () => {
  const bus = await testBus();
  const { clock } = bus;
  buses.push(bus);
  const seen: number[] = [];
  const failing = defineAgent({
    name: "worker",
    orderKey: () => "one",
    retry: { attempts: 3, backoff: linear(1_000) },
  }).on(Step, ({ payload: { n } }) => {
    seen.push(n);
    if (n === 1) throw new Error("not now");
  });
  await bus.join(failing);
  const receipt = await bus.send(Step, { key: "one", n: 1 }, { to: "worker" });
  await bus.send(Step, { key: "one", n: 2 }, { to: "worker" });
  await clock.advance(10);
  expect(await bus.withdraw(receipt.id)).toEqual({ ended: 0, held: 1 });
  await clock.advance(1_000);
  expect((await receipt.settled()).ends).toEqual({ worker: "withdrawn" });
  expect(seen).toEqual([1, 2]);
});
