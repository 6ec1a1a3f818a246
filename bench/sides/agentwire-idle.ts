import { defineAgent } from "../../src/index.ts";
import { numberSetting, type Side } from "../harness/task.ts";
import { openBus, Work } from "./agentwire-setup.ts";

/**
 * Joined agents with nothing to do, for as many seconds as the count says: `cpu`, the share of one core in percent.
 * Settings: `driver`, `agents`.
 */
export const agentwireIdle: Side = async (task) => {
  const bus = await openBus(task);
  for (let at = 0; at < numberSetting(task, "agents"); at++) {
    await bus.join(defineAgent({ name: `idle-${at}`, subscribes: ["news"] }).on(Work, () => {}));
  }
  // What joining left to be done is not idleness.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = process.cpuUsage();
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, task.count * 1000));
  const used = process.cpuUsage(before);
  const took = performance.now() - began;
  await bus.close();
  return { cpu: ((used.user + used.system) / 1000 / took) * 100 };
};
