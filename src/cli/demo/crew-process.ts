// The entry of the demo's child processes: crew-process URL CREW. It tells its parent `ready` once its agents have
// joined, and after the parent's `freeze` it tells `frozen` when it has a package in its hands and lets go of nothing.
import { connect } from "../../connect.ts";
import { CREWS, joinCrew } from "./crew.ts";

const [url, name] = process.argv.slice(2);
const crew = CREWS.find((known) => known === name);
if (url === undefined || crew === undefined) throw new Error("Usage: crew-process URL CREW");

let frozen = false;
process.on("message", (word) => {
  if (word === "freeze") frozen = true;
});
const checkpoint = async (): Promise<void> => {
  if (!frozen) return;
  process.send?.("frozen");
  await new Promise(() => {});
};

const bus = await connect(url, { name: `demo-${crew}`, history: true, heartbeat: "1s" });
// A demo that was stopped by force must not leave its crews behind.
process.on("disconnect", () => void bus.close({ grace: 0 }).finally(() => process.exit(0)));
await joinCrew(bus, crew, { checkpoint, lease: "2s" });
process.send?.("ready");
await bus.untilShutdown();
process.disconnect?.();
