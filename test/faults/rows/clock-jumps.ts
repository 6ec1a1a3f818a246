import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryScene } from "../memory-scene.ts";
import { installed } from "../need.ts";
import { openScene } from "../open-scene.ts";
import { judged, type Row, SAFE_LEASE, SERVERS, within } from "../row.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/** F13: the wall clock of every process jumps an hour ahead and back, and runs too fast. */
export const clockJumps: Row = {
  id: "F13",
  title: "wall clock jumps by an hour, both ways, and runs 10 % fast",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  needs: installed("faketime"),
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const offset = join(scene.folder, "clock");
      writeFileSync(offset, "+0");
      const env = {
        LD_PRELOAD: LIBRARY,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        DONT_FAKE_MONOTONIC: "1",
      };
      const consumers = Array.from({ length: 2 }, (_, number) =>
        scene.consumer(
          { agent: "worker", instance: `consumer-${number}`, concurrency: 4, lease: SAFE_LEASE, work: 8 },
          { env },
        ),
      );
      await Promise.all(consumers.map((consumer) => consumer.says("ready")));
      const jumps = ["+3600", "+0", "-3600", "+0", "+0 x1.1", "+3600", "-3600", "+0"].slice(
        0,
        Math.max(3, Math.min(8, scale.strikes)),
      );
      const until = Math.min(scale.messages, 20_000);
      const sender = scene.sender(
        {
          name: "sender",
          to: "worker",
          until,
          largest: scale.largest,
          window: 16,
          rate: Math.ceil(until / (jumps.length * 1.5 + 1)),
        },
        { env },
      );
      await sender.says("ready");
      for (const jump of jumps) {
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        if (scene instanceof MemoryScene)
          scene.clock.jump(Number.parseInt(jump, 10) * 1_000, jump.endsWith("x1.1") ? 1.1 : 1);
        else writeFileSync(offset, jump);
      }
      await sender.says("done");
      await scene.drain(2 * SAFE_LEASE + 3_000);
      const { verdict, written } = await scene.verdict({ ordered: false });
      const result = judged(verdict);
      const walls = written.flatMap((event) =>
        event.event === "hand-off" && event.wall !== undefined ? [event.wall] : [],
      );
      const span = Math.max(...walls.slice(0, 100_000)) - Math.min(...walls.slice(0, 100_000));
      result.figures["span of the wall clock"] = Math.round(span);
      if (span < 3_600_000) result.broken.push("the programs saw no jump, so the row has shown nothing");
      const ids = written.flatMap((event) => (event.id === undefined ? [] : [event.id]));
      within(result, "ids used twice", ids.length - new Set(ids).size, 0);
      within(result, "duplicates", verdict.counts.duplicates, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};
