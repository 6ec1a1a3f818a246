import type { EngineName } from "../../../scripts/servers/engines.ts";
import type { Bus } from "../../../src/index.ts";
import { connectAt } from "../connect-at.ts";
import { Job, jobFor } from "../roles/job.ts";
import { type Row, SERVERS, within } from "../row.ts";
import { ServerScene } from "../server-scene.ts";
import { pause } from "./under-load.ts";

const CLIENTS = 50;
const PATIENCE = 10_000;

/** F24: many clients come back at once to a server that was killed. */
export const manyClients: Row = {
  id: "F24",
  title: `${CLIENTS} clients come back at once`,
  quick: true,
  on: SERVERS,
  run: async (scale, seed, backend) => {
    const scene = await ServerScene.open(backend as EngineName, seed);
    const buses: Bus[] = [];
    try {
      for (let number = 0; number < CLIENTS; number++) buses.push(await connectAt(scene, { name: `client-${number}` }));
      const [first] = buses as [Bus];
      await first.send(Job, jobFor("first", seed, 64), { to: "worker", ifUnknown: "hold" });
      const before = scene.proxy.connections.length;
      await pause(scene.settling);
      await scene.server.kill();
      await scene.server.start();
      const since = performance.now();
      const send = async (bus: Bus, number: number): Promise<number> => {
        const key = `again-${number}`;
        const payload = jobFor(key, seed, scale.largest);
        for (;;) {
          try {
            await bus.send(Job, payload, { to: "worker", ifUnknown: "hold", idempotencyKey: key });
            return performance.now() - since;
          } catch (error) {
            if (performance.now() - since > 3 * PATIENCE) throw error;
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      };
      const times = await Promise.all(buses.map(send));
      const result = { figures: {} as Record<string, number | string>, broken: [] as string[] };
      within(result, "longest until a client was back", Math.max(...times), PATIENCE);
      const [inbox] = (await first.inboxes.list()).filter(({ name }) => name === "worker");
      within(result, "messages missing or too many", Math.abs((inbox?.waiting ?? 0) - CLIENTS - 1), 0);
      within(result, "connections more than before", scene.proxy.connections.length - before, 2);
      return result;
    } finally {
      await Promise.all(buses.map((bus) => bus.close({ grace: 0 })));
      await scene.close();
    }
  },
};
