// A consumer of poison as a process.
import { poisoned } from "../roles/poisoned.ts";
import { play } from "../stage.ts";

await (await play(poisoned)).untilShutdown();
