// A rejecting consumer as a process.
import { rejecting } from "../roles/rejecting.ts";
import { play } from "../stage.ts";

await (await play(rejecting)).untilShutdown();
