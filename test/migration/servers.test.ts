import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineAgent, defineMessage, migrate } from "agentwire";
import { expect, it } from "vitest";
import { describeOn } from "../support/servers.ts";

const Note = defineMessage("note", { type: "object", properties: { n: { type: "number" } }, required: ["n"] });

for (const engine of ["redis", "postgres"] as const) {
  describeOn(engine, `a bus that moves to ${engine} and back`, (server) => {
    it("keeps its messages in their order, its dead letters, its receipts and its journal", async () => {
      const folder = mkdtempSync(join(tmpdir(), "agentwire-migration-"));
      const namespace = `migration-${process.pid}-${Date.now()}`;
      const [first, last] = ["first", "last"].map((name) => `sqlite:${join(folder, `${name}.db`)}`) as [string, string];
      const options = { logger: false, history: true, namespace } as const;
      const handled: unknown[] = [];
      const worker = defineAgent({ name: "worker", concurrency: 1 }).on(Note, ({ payload }, ctx) => {
        if (payload.n === -1) return ctx.reject("no");
        handled.push(payload.n);
      });
      try {
        const before = await connect(first, options);
        const agent = await before.join(worker);
        const refused = await before.send(Note, { n: -1 }, { to: "worker" });
        await refused.settled();
        await agent.leave();
        const numbers = Array.from({ length: 1_100 }, (_, n) => n);
        await Promise.all(
          numbers.map((n) => before.send(Note, { n }, { to: "worker", priority: n % 2 ? "low" : "high" })),
        );
        await before.send(Note, { n: 5_000 }, { to: "worker", delay: "1h" });
        await before.close();

        expect(await migrate(first, server.url, { namespace })).toMatchObject({
          messages: 1_101,
          messagesThereBefore: 0,
        });
        expect(await migrate(server.url, last, { namespace })).toMatchObject({
          messages: 1_101,
          messagesThereBefore: 0,
        });

        const after = await connect(last, options);
        expect((await after.deadLetters.list()).map(({ message }) => message.id)).toEqual([refused.id]);
        expect((await after.receipts.get(refused.id))?.ends).toEqual({ worker: "dead-lettered" });
        let journaled = 0;
        for await (const entry of after.journal.read()) if (entry.kind === "message") journaled++;
        expect(journaled).toBe(1_102);
        expect((await after.inboxes.get("worker"))?.delayed).toBe(1);
        await after.join(worker);
        await expect.poll(() => handled.length, { timeout: 30_000 }).toBe(numbers.length);
        for (const odd of [0, 1]) {
          const lane = numbers.filter((n) => n % 2 === odd);
          expect(handled.filter((n) => (n as number) % 2 === odd)).toEqual(lane);
        }
        await after.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 60_000);
  });
}
