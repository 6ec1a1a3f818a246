import type { Command } from "commander";
import { defineAgent } from "../../agent/definition.ts";
import type { Bus } from "../../connected-bus.ts";
import { defineMessage } from "../../message/define-message.ts";
import { type CommonOptions, withBus } from "../connection.ts";
import { table } from "../terminal/table.ts";
import { wholeNumber } from "../whole-number.ts";

const NUMBER = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } as const;
const Tick = defineMessage("bench.tick", NUMBER);
const Echo = defineMessage("bench.echo", NUMBER, { reply: NUMBER });

interface Figure {
  readonly what: string;
  readonly perSecond: number;
  /** Milliseconds of one; the half and all but one of a hundred are faster. */
  readonly p50: number;
  readonly p99: number;
}

/** `agentwire bench` */
export function benchCommand(program: Command): void {
  program
    .command("bench")
    .option("--messages <count>", "how many messages each measurement sends", wholeNumber(10, 10_000_000), 5_000)
    .option("--at-once <count>", "how many are on their way at once", wholeNumber(1, 10_000), 256)
    .description("Measure throughput and latency of your own engine, from this process to itself")
    .addHelpText(
      "after",
      "\nThe measurement has a namespace of its own, and removes what it made.\n\nExamples:\n  agentwire bench\n  agentwire bench --url memory: --messages 50000 --json\n",
    )
    .action(async (options: { messages: number; atOnce: number }, command: Command) => {
      const { namespace = "agentwire-bench" } = command.optsWithGlobals<CommonOptions>();
      await withBus(
        command,
        async (bus, output) => {
          const figures = await measure(bus, options.messages, options.atOnce);
          const { driver, durability } = bus.guarantees();
          output.show({ driver, durability, node: process.version, figures }, () => [
            `${driver}, durability class ${durability.class}: ${durability.reason}`,
            ...table(
              [
                { title: "what" },
                { title: "per second", right: true },
                { title: "p50 ms", right: true },
                { title: "p99 ms", right: true },
                { title: "class" },
              ],
              figures.map((one) => [
                one.what,
                Math.round(one.perSecond),
                one.p50.toFixed(2),
                one.p99.toFixed(2),
                durability.class,
              ]),
            ),
          ]);
        },
        { namespace },
      );
    });
}

async function measure(bus: Bus, count: number, atOnce: number): Promise<Figure[]> {
  const began: number[] = [];
  const handled: number[] = [];
  let onAll = (): void => {};
  const name = `bench-${process.pid}`;
  const definition = defineAgent({ name, concurrency: Math.min(atOnce, 10_000) })
    .on(Tick, ({ payload }) => {
      handled.push(performance.now() - (began[payload.n] ?? 0));
      if (handled.length === count) onAll();
    })
    .on(Echo, ({ payload }) => payload);
  await bus.join(definition);
  try {
    const all = new Promise<void>((resolve) => (onAll = resolve));
    const start = performance.now();
    const sends = await many(count, atOnce, (n) => {
      began[n] = performance.now();
      return bus.send(Tick, { n }, { to: name });
    });
    await all;
    const throughput = count / ((performance.now() - start) / 1_000);
    const asked = Math.min(count, 1_000);
    const lone = await many(asked, 1, (n) => bus.request(Echo, { n }, { to: name }));
    const requests = await many(count, atOnce, (n) => bus.request(Echo, { n }, { to: name }));
    return [
      { what: `send, ${atOnce} at once`, perSecond: sends.perSecond, ...quantiles(sends.times) },
      { what: "send until handled", perSecond: throughput, ...quantiles(handled) },
      { what: "request and reply, 1 at once", perSecond: lone.perSecond, ...quantiles(lone.times) },
      { what: `request and reply, ${atOnce} at once`, perSecond: requests.perSecond, ...quantiles(requests.times) },
    ];
  } finally {
    await bus.agents.remove(name, { force: true });
  }
}

async function many(
  count: number,
  atOnce: number,
  run: (n: number) => Promise<unknown>,
): Promise<{ perSecond: number; times: number[] }> {
  const times: number[] = [];
  const start = performance.now();
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      const began = performance.now();
      await run(n);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, line));
  return { perSecond: count / ((performance.now() - start) / 1_000), times };
}

function quantiles(times: number[]): { p50: number; p99: number } {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
