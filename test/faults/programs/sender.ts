// A sender as a process.
import { sending } from "../roles/sending.ts";
import { play } from "../stage.ts";

await play(sending, (bus) => process.on("SIGTERM", () => void bus.close().then(() => process.exit(0))));
