import { startNats } from "../../scripts/servers/nats.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { type BenchEnvelope, envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { type Side, textSetting } from "../harness/task.ts";
import { RawJetStream } from "./raw-nats.ts";

const [STREAM, ASKED, ANSWERED] = ["requests", "requests.asked", "requests.answered"];

/** A question in one queue and its answer in another, read by another process; both confirmed and acknowledged. */
export const rawNatsRequests: Side = async (task) => {
  const server = await startNats({ folder: task.folder });
  const client = await RawJetStream.connect(server.url);
  await client.declare(STREAM, [ASKED, ANSWERED]);
  const partner = await startPartner({
    ...task,
    side: "raw-nats-answerer",
    settings: { ...task.settings, url: server.url },
  });
  const text = filler(task.size);
  let answered = (_answer: { readonly sequence: number }): void => {};
  client.take(STREAM, 1, {}, (message) => answered(message.json()));
  const figures = await measureRoundTrips(task, async (sequence) => {
    const answer = new Promise<{ readonly sequence: number }>((resolve) => {
      answered = resolve;
    });
    await client.store(ASKED, JSON.stringify(envelope(sequence, text)));
    return answer;
  });
  await partner.stop();
  await client.connection.close();
  await server.stop();
  return figures;
};

/** The other process. Settings: `url`. */
export const rawNatsAnswerer: Side = async (task) => {
  const client = await RawJetStream.connect(textSetting(task, "url"));
  client.take(STREAM, 0, {}, (message) => {
    const { sequence } = message.json<BenchEnvelope>().payload;
    void client.store(ANSWERED, JSON.stringify({ sequence }));
  });
  return partnerReady();
};
