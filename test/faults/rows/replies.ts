import { openScene } from "../open-scene.ts";
import type { Actor } from "../program.ts";
import type { RequestKind } from "../roles/ask.ts";
import { isInProcess, type Row, type RowResult, SERVERS, within } from "../row.ts";

const TIMEOUT = 1_500;
const FORGED = 10;

/** F25: the one who was asked dies, answers too late, answers twice, or another answers in its place. */
export const replies: Row = {
  id: "F25",
  title: "answers that are late, doubled, forged, or come after a death",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend): Promise<RowResult> => {
    const scene = await openScene(backend, seed);
    try {
      const answerer = (): Actor =>
        scene.start("answering", { agent: "answerer", lease: scale.lease, timeout: TIMEOUT });
      let stopping = false;
      let stop = (): void => {};
      const stopped = new Promise<void>((resolve) => (stop = resolve));
      const keepOne = async (first: Actor): Promise<void> => {
        for (let one = first; ; one = answerer()) {
          await Promise.race([one.exited, stopped]);
          if (stopping) return;
        }
      };
      const team = Array.from({ length: scale.consumers }, answerer);
      await Promise.all(team.map((one) => one.says("ready")));
      const supervised = team.map(keepOne);
      const forger = scene.start("forging", { agent: "answerer" });
      await forger.says("ready");
      const kinds = Array.from({ length: Math.min(5_000, Math.ceil(scale.messages / 4)) }, (_, at): RequestKind => {
        if (at % FORGED === 3) return "forge";
        if (at % FORGED === 6) return "twice";
        return at % (2 * FORGED) === 9 ? "late" : "plain";
      });
      const deaths = isInProcess(backend) ? 0 : scale.strikes;
      for (let death = 0; death < deaths; death++) kinds[Math.floor((kinds.length * (death + 0.5)) / deaths)] = "die";
      const asker = scene.start("asking", { name: "asker", to: "answerer", kinds, window: 32, timeout: TIMEOUT });
      const late = Number((await asker.says("late")).split(" ")[1]);
      stopping = true;
      stop();
      await Promise.all(supervised);
      const ended = asker.lines.filter((line) => line.startsWith("ended")).map((line) => line.split(" "));
      const forged = forger.lines.filter((line) => line.startsWith("forged")).length;
      const result = {
        figures: { requests: kinds.length, deaths } as Record<string, number | string>,
        broken: [] as string[],
      };
      within(result, "requests not ended once", Math.abs(ended.length - kinds.length), 0);
      within(result, "longest, of the deadline's ms", Math.max(...ended.map((line) => Number(line[3]))), TIMEOUT + 500);
      for (const kind of ["plain", "twice", "forge", "die", "late"] as const) {
        const outcomes = ended.filter((line) => line[1] === kind).map((line) => line[2]);
        const expected = kind === "late" ? "TIMEOUT" : "answered";
        const others = outcomes.filter((outcome) => outcome !== expected);
        result.figures[`${kind}, ${expected}`] = outcomes.length - others.length;
        if (others.length > 0)
          result.broken.push(`${kind}: ${others.length} ended with ${[...new Set(others)].join(", ")}`);
      }
      const count = (kind: RequestKind): number => kinds.filter((one) => one === kind).length;
      result.figures["replies forged"] = forged;
      if (forged === 0) result.broken.push("nothing was forged, so the row has shown nothing");
      // Late ones and second ones, and those of someone who was not asked; what was handed off again may answer again.
      result.figures["replies counted as late"] = late;
      within(
        result,
        "late, second or forged replies not counted",
        Math.max(0, count("late") + count("twice") + forged - late),
        0,
      );
      return result;
    } finally {
      await scene.close();
    }
  },
};
