import { createClient } from "@redis/client";
import { connect } from "../../../src/index.ts";
import { failureCode } from "../failure-code.ts";
import { installed } from "../need.ts";
import { judged, type Row } from "../row.ts";
import { ServerScene } from "../server-scene.ts";
import { pause } from "./under-load.ts";

// While a sync is under way, Redis keeps what it has answered for in its own memory, for up to two seconds.
const SLOW_DISK = [
  "strace",
  "-f",
  "-qq",
  "-o",
  "/dev/null",
  "-e",
  "trace=fdatasync",
  "-e",
  "inject=fdatasync:delay_enter=1500000",
];

/** F3b: a server that does not sync before it answers is killed. It says so, and loses: the harness must see it. */
export const unsyncedServer: Row = {
  id: "F3b",
  title: "server that syncs every second, on a slow disk, killed and started again",
  quick: true,
  on: ["redis"],
  needs: installed("strace"),
  async run(scale, seed) {
    const server = { settings: { appendfsync: "everysec" }, under: SLOW_DISK };
    const scene = await ServerScene.open("redis", seed, server);
    try {
      const bus = await scene.bus();
      const found = bus.guarantees().durability.class;
      const refusal = await failureCode(connect(scene.server.url, { require: "power", logger: false }));
      const task = { to: "worker", largest: scale.largest, window: 32, rate: 500, priorities: true };
      const sender = scene.sender({ ...task, name: "sender-0", until: scale.strikes * 2_000 });
      const consumer = scene.consumer({
        agent: "worker",
        instance: "consumer-0",
        concurrency: 1,
        lease: scale.lease,
        work: 0,
      });
      await consumer.says("ready");
      await consumer.kill();
      await sender.says("ready");
      for (let strike = 0; strike < scale.strikes; strike++) {
        await pause(1_500 + scene.random() * 1_000);
        await untilSomeIsKept(scene.server.url);
        await scene.server.kill();
        await scene.server.start();
      }
      await sender.says("done");
      const { verdict } = await scene.verdict();
      const { figures } = judged(verdict);
      figures["class that it reports"] = found;
      figures["answer to one that requires more"] = refusal;
      const broken: string[] = [];
      if (verdict.lost.length === 0) broken.push("nothing was lost: the harness cannot see it");
      if (found !== "none") broken.push(`it reports the class ${found}`);
      if (refusal !== "DURABILITY_UNMET") broken.push(`whoever requires more is answered ${refusal}`);
      return { figures, broken };
    } finally {
      await scene.close();
    }
  },
};

/** Resolves when a sync has begun not long ago, and the server has answered for more since. */
async function untilSomeIsKept(url: string): Promise<void> {
  const client = await createClient({ url }).connect();
  const kept = async (): Promise<number> =>
    Number(/aof_buffer_length:(\d+)/.exec(String(await client.sendCommand(["INFO", "persistence"])))?.[1]);
  try {
    for (let found = await kept(); !(found > 200_000 && found < 600_000); found = await kept()) await pause(10);
  } finally {
    client.destroy();
  }
}
