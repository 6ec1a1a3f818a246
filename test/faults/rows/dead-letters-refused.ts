import pg from "pg";
import { openDatabase } from "../../support/database-file.ts";
import { MemoryScene } from "../memory-scene.ts";
import { openScene } from "../open-scene.ts";
import type { Actor } from "../program.ts";
import { judged, type Row, within } from "../row.ts";
import type { Scene } from "../scene.ts";
import { ServerScene } from "../server-scene.ts";

const EVERY = 50;

const REFUSE = `
  CREATE OR REPLACE FUNCTION agentwire.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'dead letters are full' USING ERRCODE = 'disk_full'; END $$;
  CREATE TRIGGER full_up BEFORE INSERT ON agentwire.kv
    FOR EACH ROW WHEN (NEW.key LIKE '%:dead-letters/%') EXECUTE FUNCTION agentwire.refuse()`;

/** F17: for a while no dead letter can be written, and a consumer dies meanwhile. */
export const deadLettersRefused: Row = {
  id: "F17",
  title: "dead letters that cannot be written",
  quick: true,
  on: ["sqlite", "memory", "postgres"],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      let started = 0;
      const consumer = (): Actor => {
        const instance = `consumer-${started++}`;
        const task = { agent: "worker", instance, concurrency: 4, lease: scale.lease, every: EVERY };
        return scene.start("rejecting", { ...task, history: `${scene.folder}/${instance}.history` });
      };
      const team = Array.from({ length: scale.consumers }, consumer);
      await Promise.all(team.map((program) => program.says("ready")));
      await refuse(scene, true);
      const bus = await scene.bus();
      // The consumers end up with nothing but refused ones: so many that all can still go on for a while.
      const count = Math.min(20_000, scale.messages);
      const seconds = Math.max(2, Math.min(20, scale.strikes));
      const task = { name: "sender-0", to: "worker", largest: scale.largest, window: 32, until: count };
      const sender = scene.sender({ ...task, rate: count / (2 * seconds) });
      await team[0]?.says("alert dead-lettered");
      await new Promise((resolve) => setTimeout(resolve, seconds * 500));
      await team[0]?.kill();
      team[0] = consumer();
      await team[0].says("ready");
      await new Promise((resolve) => setTimeout(resolve, seconds * 500));
      const letters = await bus.deadLetters.list();
      const meanwhile = await bus.inboxes.get("worker");
      await refuse(scene, false);
      await sender.says("done");
      // The slowest is tried again after 10 s.
      await scene.drain(2 * scale.lease + 12_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      result.figures["alerts"] = team.reduce((sum, { lines }) => sum + alerts(lines), 0);
      result.figures["waiting when healed"] = meanwhile?.waiting ?? 0;
      within(result, "dead letters written while none could be", letters.length, 0);
      const kept = await bus.deadLetters.list({ limit: 1_000_000 });
      within(result, "dead letters missing or too many", Math.abs(kept.length - Math.ceil(count / EVERY)), 0);
      const ended = (await bus.inboxes.get("worker"))?.ended;
      within(result, "messages not ended once", Math.abs((ended?.acknowledged ?? 0) + kept.length - count), 0);
      const acknowledged = new Set(written.flatMap((event) => (event.event === "ack" ? [event.key] : [])));
      const both = kept.filter((letter) => acknowledged.has((letter.message.payload as { key: string }).key));
      within(result, "acknowledged and given up", both.length, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** On sqlite and postgres the table refuses dead letters alone; on memory nothing at all can be settled. */
async function refuse(scene: Scene, on: boolean): Promise<void> {
  if (scene instanceof MemoryScene) {
    scene.faults.refuseSettle = on ? 1 : 0;
    return;
  }
  if (scene instanceof ServerScene) {
    const client = new pg.Client(scene.server.url);
    await client.connect();
    await client.query(on ? REFUSE : "DROP TRIGGER full_up ON agentwire.kv");
    return client.end();
  }
  const file = openDatabase(scene.database);
  file.exec(
    on
      ? `CREATE TRIGGER full BEFORE INSERT ON kv WHEN NEW.key LIKE '%:dead-letters/%'
           BEGIN SELECT RAISE(ABORT, 'dead letters are full'); END`
      : "DROP TRIGGER full",
  );
  file.close();
}

function alerts(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith("alert ")).length;
}
