// The entry of the demo's child processes. It tells its parent `ready` once its agents have
// joined, and after the parent's `freeze` it tells `frozen` when it has a package in its hands and lets go of nothing.
import { connect } from "../../connect.ts";
import { CREW_TASK, type CrewTask } from "./child.ts";
import { joinCrew } from "./crew.ts";

const { crew, url, options } = JSON.parse(process.env[CREW_TASK] ?? "") as CrewTask;

let frozen = false;
process.on("message", (word) => {
  if (word === "freeze") frozen = true;
});
const checkpoint = async (): Promise<void> => {
  if (!frozen) return;
  process.send?.("frozen");
  await new Promise(() => {});
};

const bus = await connect(url, { ...options, name: `demo-${crew}` });
// A demo that was stopped by force must not leave its crews behind.
process.on("disconnect", () => void bus.close({ grace: 0 }).finally(() => process.exit(0)));
await joinCrew(bus, crew, { checkpoint, lease: "2s" });
process.send?.("ready");
await bus.untilShutdown();
process.disconnect?.();
