// A consumer as a process.
import { consuming } from "../roles/consuming.ts";
import { play } from "../stage.ts";

process.on("SIGTERM", () => process.stdout.write(`signal ${Number(process.hrtime.bigint()) / 1e6}\n`));
let shutdown: Promise<void> | undefined;
await play(consuming, (bus) => (shutdown = bus.untilShutdown()));
await shutdown;
process.stdout.write("closed\n");
