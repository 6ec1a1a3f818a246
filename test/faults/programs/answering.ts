// The role of answering as a process.
import { answering } from "../roles/answering.ts";
import { play } from "../stage.ts";

await (await play(answering)).untilShutdown();
