// Joins many agents, leaves them alone, and says how much of one core that takes.
import { defineAgent } from "../../../src/index.ts";
import { connectAt } from "../connect-at.ts";
import { Job } from "../roles/job.ts";
import type { Placed } from "../roles/role.ts";

/** What an idle program is told to do. */
export interface IdleTask {
  readonly agents: number;
  readonly seconds: number;
}

const task = JSON.parse(process.argv[2] as string) as Placed<IdleTask>;
const bus = await connectAt(task);
for (let number = 0; number < task.agents; number++)
  await bus.join(defineAgent({ name: `agent-${number}` }).on(Job, () => {}));
// What joining has started is not idleness.
await new Promise((resolve) => setTimeout(resolve, 3_000));
const before = process.cpuUsage();
const started = performance.now();
await new Promise((resolve) => setTimeout(resolve, task.seconds * 1_000));
const { user, system } = process.cpuUsage(before);
const share = (user + system) / 1_000 / (performance.now() - started);
process.stdout.write(`share ${share * 100}\n`);
await bus.close();
