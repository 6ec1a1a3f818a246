import { type Row, type RowResult, within } from "../row.ts";
import { Scene } from "../scene.ts";

const AGENTS = 100;

/** Not a fault, but measured beside them: what agents cost that have nothing to do. */
export const idle: Row = {
  id: "idle",
  title: `${AGENTS} agents with nothing to do`,
  quick: false,
  run: async (scale, seed): Promise<RowResult> => {
    const scene = new Scene(seed);
    try {
      const seconds = scale.strikes < 10 ? 10 : 60;
      const program = scene.start("idle", { url: scene.url, agents: AGENTS, seconds });
      const share = Number((await program.says("share")).split(" ")[1]);
      const result = { figures: { seconds } as Record<string, number | string>, broken: [] };
      within(result, "percent of one core", share, 1);
      result.figures["percent of one core"] = share.toFixed(2);
      return result;
    } finally {
      await scene.close();
    }
  },
};
