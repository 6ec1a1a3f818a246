import { type Contestant, CPU, type DurabilityClass, RATE, type Workload } from "../harness/workload.ts";

const ENGINES: Readonly<Record<string, DurabilityClass>> = {
  sqlite: "power",
  redis: "power",
  postgres: "power",
  nats: "process",
  rabbitmq: "power",
};

/** An inbox is five queues there, or five durable consumers: a thousand agents take too long to join. */
const FEW = [1, 10, 100] as const;
const AGENTS: Readonly<Record<string, readonly number[]>> = { nats: FEW, rabbitmq: FEW };

type Contestants = readonly [Contestant, ...Contestant[]];

function agents(driver: string, group: DurabilityClass): Workload {
  const settings = { driver, phase: "e2e", manner: "w256", history: "off" };
  const contestants = (AGENTS[driver] ?? [...FEW, 1_000]).map((count) => ({
    label: `${count} agent${count > 1 ? "s" : ""}`,
    side: "agentwire-queue",
    class: group,
    settings: { ...settings, agents: count },
  }));
  return {
    name: `${driver}-agents`,
    about: `${driver}, 256 in flight, send and handle at once: messages to more and more agents in turn`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "messages",
    slow: true,
    contestants: contestants as unknown as Contestants,
    targets: [],
  };
}

function fanOut(driver: string, group: DurabilityClass): Workload {
  const contestants = FEW.map((listeners) => ({
    label: `to ${listeners}`,
    side: "agentwire-events",
    class: group,
    settings: { driver, fanOut: listeners },
  }));
  return {
    name: `${driver}-fan-out`,
    about: `${driver}: publish to more and more subscribed agents, 256 in flight`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "deliveries",
    slow: true,
    contestants: contestants as unknown as Contestants,
    targets: [],
  };
}

/** How each engine fares with more agents: each with its own messages, and all with the same. */
export const spreadWorkloads: readonly Workload[] = Object.entries(ENGINES).flatMap(([driver, group]) => [
  agents(driver, group),
  fanOut(driver, group),
]);
