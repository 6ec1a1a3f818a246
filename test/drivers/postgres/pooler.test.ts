import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../../src/connect.ts";
import { describeOn } from "../../support/servers.ts";
import { connectPostgres, newScope } from "./engine.ts";
import { lacksPgbouncer, type Pooling, startPgbouncer } from "./pgbouncer.ts";

async function pooled(url: string, pooling: Pooling): Promise<string> {
  const bouncer = await startPgbouncer(url, pooling);
  onTestFinished(() => bouncer.stop());
  return bouncer.url;
}

describeOn("postgres", "PostgreSQL behind PgBouncer", (server) => {
  describe.skipIf(lacksPgbouncer)(lacksPgbouncer ? `which needs ${lacksPgbouncer}` : "that pools", () => {
    it("is refused where sessions are shared out by transaction, however many there are", async () => {
      for (const size of [1, 10]) {
        const url = await pooled(server.url, { mode: "transaction", size });
        const error = await connect(url, { logger: false }).then(
          (bus) => bus.close().then(() => expect.fail("it was taken")),
          (failure: unknown) => failure,
        );
        expect(error).toMatchObject({ code: "ENGINE_STATE", hint: expect.stringContaining("pool_mode = session") });
      }
    });

    it("serves where each process has a session of its own, down to the last one", async () => {
      for (const size of [1, 10]) {
        const url = await pooled(server.url, { mode: "session", size });
        const scope = newScope();
        const driver = await connectPostgres(url, { scope });
        const heard: unknown[] = [];
        await new Promise<void>((begun) => void driver.broker.onSignal("topic", (data) => heard.push(data), begun));
        driver.broker.signal("topic", 1);
        driver.broker.signal("topic", 2);
        // Behind the signals, which have come back by then.
        await driver.store?.get("state/key");
        await driver.broker.close();
        await driver.store?.close();
        expect(heard, "each once: it knows its own notifications").toEqual([1, 2]);
      }
    });
  });
});
