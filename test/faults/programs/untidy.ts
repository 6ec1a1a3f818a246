// An untidy puller as a process.
import { untidy } from "../roles/untidy.ts";
import { play } from "../stage.ts";

await (await play(untidy)).untilShutdown();
