import { makeNextRelease } from "../next-release.ts";
import { openScene } from "../open-scene.ts";
import type { Actor } from "../program.ts";
import { judged, type Row, SAFE_LEASE, within } from "../row.ts";
import type { Scene } from "../scene.ts";

/** F22: this release and the next on one bus: an update and a step back under load, while old messages wait. */
export const releases: Row = {
  id: "F22",
  title: "two releases on one bus",
  quick: true,
  on: ["sqlite", "redis"],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const root = makeNextRelease(scene.folder);
      const staff = new Staff(scene, root);
      const third = Math.ceil(Math.min(scale.messages, 20_000) / 3);
      const turns = Math.max(1, scale.strikes / 4);
      // Both send for as long as the turns take.
      const rate = Math.ceil(third / (turns * 2.5));
      const send = (name: string, next: boolean, options: { readonly rate: number; readonly until?: number }): Actor =>
        scene.sender(
          { name, to: "worker", until: third, largest: scale.largest, window: 32, ...options },
          next ? { root } : {},
        );
      // Old messages wait; on sqlite, in the file that the next release adds to.
      await (await staff.start(false)).leave();
      await send("before", false, { rate: 0 }).says("done");
      const senders = [send("old", false, { rate }), send("new", true, { rate })];
      await Promise.all(senders.map((sender) => sender.says("ready")));
      for (let turn = 0; turn < turns; turn++) {
        // Both at once; the update; both again; the step back.
        const [first, second] = await Promise.all([staff.start(false), staff.start(true)]);
        await pause(300 + scene.random() * 300);
        await first.leave();
        await pause(300 + scene.random() * 300);
        const back = await staff.start(false);
        await pause(300 + scene.random() * 300);
        await second.leave();
        await pause(300 + scene.random() * 300);
        await back.leave();
      }
      await Promise.all(senders.map((sender) => sender.says("done")));
      // However the load fell above, this release now meets messages that only the next one can read.
      await send("last", true, { rate: 0, until: 100 }).says("done");
      const old = await staff.start(false);
      await scene.drain(2 * SAFE_LEASE + 3_000);
      await old.leave();
      const bus = await scene.bus();
      const letters = await bus.deadLetters.list({ limit: 1_000_000 });
      const newer = letters.filter(({ code }) => code === "VERSION_UNSUPPORTED").length;
      // The update is made for good.
      await staff.start(true);
      const replayed = await scene.start("replaying", {}, { root }).says("replayed");
      await scene.drain(2 * SAFE_LEASE + 3_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      result.figures["kept for the next release by this one"] = newer;
      if (newer === 0) result.broken.push("this release met no message of the next wire version: nothing was shown");
      within(result, "other dead letters", letters.length - newer, 0);
      within(result, "kept ones not sent again", newer - Number(replayed.split(" ")[1]), 0);
      within(result, "duplicates", verdict.counts.duplicates, 0);
      const by = (ending: string): number =>
        written.filter((event) => event.event === "hand-off" && event.instance.endsWith(ending)).length;
      result.figures["handled by this release"] = by("old");
      result.figures["handled by the next"] = by("new");
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** Consumers of both releases. */
class Staff {
  readonly #scene: Scene;
  readonly #root: string;
  #started = 0;

  constructor(scene: Scene, root: string) {
    this.#scene = scene;
    this.#root = root;
  }

  async start(next: boolean): Promise<{ leave(): Promise<void> }> {
    const task = {
      agent: "worker",
      instance: `consumer-${this.#started++}-${next ? "new" : "old"}`,
      concurrency: 4,
      lease: SAFE_LEASE,
      work: 2,
    };
    const program = this.#scene.consumer(task, next ? { root: this.#root } : {});
    await program.says("ready");
    return {
      leave: async () => {
        program.signal("SIGTERM");
        await program.exited;
      },
    };
  }
}

function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length));
}
