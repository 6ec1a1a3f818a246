// The role of asking as a process.
import { asking } from "../roles/asking.ts";
import { play } from "../stage.ts";

await play(asking);
