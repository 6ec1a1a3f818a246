import { openScene } from "../open-scene.ts";
import { Job, jobFor } from "../roles/job.ts";
import { isInProcess, judged, type Row, SERVERS, within } from "../row.ts";

const ATTEMPTS = 3;
type Kind = "throw" | "reject" | "hang" | "exit" | "memory";

/** The memory driver ends with its process, so nothing there can outlive one. */
const SURVIVABLE: readonly Kind[] = ["throw", "reject", "hang"];
const ALL: readonly Kind[] = [...SURVIVABLE, "exit", "memory"];
const CODES: Readonly<Record<Kind, string>> = {
  throw: "HANDLER_FAILED",
  reject: "HANDLER_REJECTED",
  hang: "HANDLER_TIMEOUT",
  exit: "ATTEMPTS_EXHAUSTED",
  memory: "ATTEMPTS_EXHAUSTED",
};

/** F16: messages whose handlers throw, reject, never return, end the process or use up its memory, among many others. */
export const poison: Row = {
  id: "F16",
  title: "poison messages among others",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const bus = await scene.bus();
      const kinds = isInProcess(backend) ? SURVIVABLE : ALL;
      let started = 0;
      let stopping = false;
      const consumer = () => {
        const instance = `poisoned-${started++}`;
        const task = {
          history: `${scene.folder}/${instance}.history`,
          agent: "worker",
          instance,
          concurrency: 4,
          attempts: ATTEMPTS,
          handlerTimeout: 500,
          lease: scale.lease,
        };
        return scene.start("poisoned", task, { env: { NODE_OPTIONS: "--max-old-space-size=96" } });
      };
      const keepAlive = async (): Promise<void> => {
        while (!stopping) {
          const program = consumer();
          await Promise.race([program.exited, stopped]);
        }
      };
      let stop = (): void => {};
      const stopped = new Promise<void>((resolve) => (stop = resolve));
      const supervised = [keepAlive(), keepAlive()];
      const count = Math.ceil(scale.messages / 2);
      const poisoned = new Map<string, Kind>();
      for (const [at, kind] of kinds.entries())
        poisoned.set(`p${Math.floor((count * (at + 0.5)) / kinds.length)}/${kind}`, kind);
      const keys = [...Array.from({ length: count }, (_, number) => `p${number}`)].map(
        (key) => [...poisoned.keys()].find((name) => name.split("/")[0] === key) ?? key,
      );
      while ((await bus.agents.get("worker")) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
      const receipts = await bus.sendMany(
        keys.map((key) => Job.message(jobFor(key, seed, scale.largest), { to: "worker" })),
      );
      const refused = receipts.filter((receipt) => receipt.status === "rejected").length;
      await scene.drain(20_000);
      stopping = true;
      stop();
      await Promise.all(supervised);
      const letters = await bus.deadLetters.list({ limit: 1_000_000 });
      const written = scene.written();
      const ended = await bus.inboxes.get("worker");
      const result = judged((await scene.verdict()).verdict);
      // The parent sends here and writes no history: what it sent is checked below, key by key.
      result.broken.length = 0;
      for (const name of ["lost", "invented"]) delete result.figures[name];
      const done = new Set(
        written.filter((event) => event.event === "ack" && event.step === "ok").map((event) => event.key),
      );
      const innocent = keys.filter((key) => !poisoned.has(key));
      const acknowledged = ended?.ended.acknowledged ?? 0;
      within(result, "refused sends", refused, 0);
      within(result, "others not acknowledged", innocent.length - acknowledged, 0);
      within(
        result,
        "others without a confirmed ack in any history",
        innocent.filter((key) => !done.has(key)).length,
        started,
      );
      within(
        result,
        "others in the dead letters",
        letters.filter((letter) => !poisoned.has((letter.message.payload as { key: string }).key)).length,
        0,
      );
      within(result, "still waiting", ended?.waiting ?? -1, 0);
      for (const [key, kind] of poisoned) {
        const own = letters.filter((letter) => (letter.message.payload as { key: string }).key === key);
        // The last attempt of one that throws or hangs may end with its process too, when another poison ends that.
        const codes: readonly unknown[] = kind === "reject" ? [CODES[kind]] : [CODES[kind], "ATTEMPTS_EXHAUSTED"];
        if (own.length !== 1 || !codes.includes(own[0]?.code))
          result.broken.push(
            `${kind}: in the dead letters ${own.length} times with ${own.map((letter) => letter.code).join(", ")}, not once with ${CODES[kind]}`,
          );
        const handOffs = written
          .filter((event) => event.event === "hand-off" && event.key === key)
          .sort((a, b) => a.at - b.at);
        const expected = kind === "reject" ? 1 : ATTEMPTS;
        result.figures[`attempts of ${kind}`] = handOffs.length;
        if (handOffs.length > expected) result.broken.push(`${kind}: ${handOffs.length} attempts, not ${expected}`);
        // What a process had taken and not begun when another poison ended it has counted an attempt that no handler saw.
        const receipt = await bus.receipts.get(own[0]?.message.id ?? "");
        const counted = receipt?.steps.at(-1)?.attempt ?? 0;
        result.figures[`counted attempts of ${kind}`] = counted;
        // The hand-off that finds none left is one more.
        const last = own[0]?.code === "ATTEMPTS_EXHAUSTED" ? expected + 1 : expected;
        if (kind !== "reject" && counted !== last)
          result.broken.push(`${kind}: ${counted} attempts were counted, not ${last}`);
        const gaps = handOffs.slice(1).map((event, at) => event.at - (handOffs[at]?.at ?? 0));
        if (gaps.length > 0) result.figures[`shortest gap of ${kind}`] = Math.round(Math.min(...gaps));
        // After a first crash the pause counts from the hand-off, which a handler may begin well after.
        const paused = kind === "exit" || kind === "memory" ? gaps.slice(1) : gaps;
        if (paused.some((gap) => gap < 99))
          result.broken.push(`${kind}: attempts only ${Math.round(Math.min(...paused))} ms apart`);
      }
      result.figures["processes started"] = started;
      return result;
    } finally {
      await scene.close();
    }
  },
};
