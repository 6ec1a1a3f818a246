import { pragma } from "../../../src/drivers/sqlite/connection.ts";
import { openDatabase } from "../../support/database-file.ts";
import { judged, type Row, within } from "../row.ts";
import { Scene } from "../scene.ts";

/** F4: processes that embed the database are killed in their transactions, with others on the same file. */
export const embedderKilled: Row = {
  id: "F4",
  title: "embedding process killed in a transaction",
  quick: true,
  run: async (scale, seed) => {
    const scene = new Scene(seed);
    try {
      const strikes = scale.strikes * (scale.strikes < 10 ? 3 : 5);
      const each = Math.ceil(scale.messages / 2);
      const rate = Math.ceil(each / (strikes * 0.4 + 1));
      let instances = 0;
      const sender = (number: number) =>
        scene.sender({ name: `sender-${number}`, to: "worker", until: each, largest: scale.largest, window: 64, rate });
      const consumer = () =>
        scene.consumer({
          agent: "worker",
          instance: `consumer-${instances++}`,
          concurrency: 8,
          lease: scale.lease,
          work: 1,
        });
      const makers = [consumer, () => sender(0), () => sender(1)];
      const first = consumer();
      await first.says("ready");
      const team = [first, sender(0), sender(1)];
      let killed = 0;
      let damaged = 0;
      for (let strike = 0; strike < strikes; strike++) {
        const at = Math.floor(scene.random() * team.length);
        await team[at]?.says("ready");
        await new Promise((resolve) => setTimeout(resolve, scene.random() * 250));
        if (!team[at]?.isOver) killed++;
        await team[at]?.kill();
        if (!isSound(scene.database)) damaged++;
        team[at] = (makers[at] as (typeof makers)[number])();
      }
      await Promise.all(team.slice(1).map((one) => one.says("done")));
      await scene.drain(2 * scale.lease + 3_000);
      const { verdict } = await scene.verdict();
      const result = judged(verdict);
      result.figures["killed"] = killed;
      within(result, "failed integrity checks", damaged, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** What SQLite itself says of the file, while others may be at work on it. */
export function isSound(path: string): boolean {
  const database = openDatabase(path);
  try {
    return pragma(database, "integrity_check") === "ok";
  } finally {
    database.close();
  }
}
