// The role of forging as a process.
import { forging } from "../roles/forging.ts";
import { play } from "../stage.ts";

await (await play(forging)).untilShutdown();
