import { defineAgent } from "../../src/index.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import type { Side } from "../harness/task.ts";
import { Ask, openBus, payloads, urlOf } from "./agentwire-setup.ts";

/** Requests to an agent in another process that shares the engine. Settings: `driver`. */
export const agentwireRequests: Side = async (alone) => {
  const task = { ...alone, settings: { ...alone.settings, url: await urlOf(alone) } };
  const bus = await openBus(task);
  const partner = await startPartner({ ...task, side: "agentwire-answerer" });
  const payload = payloads(task);
  const options = LEVELS.map((priority) => ({ to: "answerer", priority }));
  const figures = await measureRoundTrips(task, (sequence) =>
    bus.request(Ask, payload(sequence), options[levelOf(sequence)]!),
  );
  const left = (await bus.inboxes.get("answerer"))?.waiting;
  if (left !== 0) throw new Error(`${left} requests are left`);
  await partner.stop();
  await bus.close();
  return figures;
};

/** The other process. */
export const agentwireAnswerer: Side = async (task) => {
  const bus = await openBus(task);
  await bus.join(defineAgent({ name: "answerer" }).on(Ask, (message) => ({ sequence: message.payload.sequence })));
  return partnerReady();
};
