import { expect, it } from "vitest";
import { connect } from "../../src/index.ts";

it("resolves untilShutdown when the bus is closed from elsewhere", async () => {
  const bus = await connect("memory:");
  let over = false;
  const waiting = bus.untilShutdown().then(() => (over = true));
  await Promise.resolve();
  expect(over).toBe(false);
  await bus.close();
  await waiting;
  expect(process.listenerCount("SIGTERM")).toBe(0);
});
