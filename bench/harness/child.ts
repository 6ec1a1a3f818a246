import { SIDES } from "../sides/index.ts";
import type { Task } from "./task.ts";

/** The process of one side: gets its task as an argument, answers by IPC with figures or a fault, and ends. */
async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? "") as Task;
  const load = SIDES[task.side];
  if (load === undefined) throw new Error(`there is no side "${task.side}"`);
  const side = await load();
  const figures = await side(task);
  await new Promise<void>((resolve) => process.send?.({ figures }, () => resolve()));
}

// Ends by itself if the runner goes away, so that nothing outlives it.
process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => process.exit(143));

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send?.({ fault }, () => process.exit(1));
  },
);
