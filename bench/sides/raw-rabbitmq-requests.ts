import { startRabbitmq } from "../../scripts/servers/rabbitmq.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { type BenchEnvelope, envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { type Side, textSetting } from "../harness/task.ts";
import { connectRabbitmq, declareQueues, store } from "./raw-rabbitmq.ts";

const [ASKED, ANSWERED] = ["asked", "answered"];

/** A question in one quorum queue and its answer in another, read by another process. */
export const rawRabbitmqRequests: Side = async (task) => {
  const server = await startRabbitmq({ folder: task.folder });
  const [out, back] = [await connectRabbitmq(server.url), await connectRabbitmq(server.url)];
  const [sending, hearing] = [await out.createConfirmChannel(), await back.createChannel()];
  await declareQueues(sending, [ASKED, ANSWERED]);
  const settings = { ...task.settings, url: server.url };
  const partner = await startPartner({ ...task, side: "raw-rabbitmq-answerer", settings });
  let answered = (_answer: { sequence: number }): void => {};
  await hearing.consume(ANSWERED, (message) => {
    if (!message) return;
    answered(JSON.parse(message.content.toString()) as { sequence: number });
    hearing.ack(message);
  });
  const text = filler(task.size);
  const figures = await measureRoundTrips(task, async (sequence) => {
    const answer = new Promise<{ sequence: number }>((resolve) => {
      answered = resolve;
    });
    await store(sending, ASKED, envelope(sequence, text));
    return answer;
  });
  await partner.stop();
  for (const model of [out, back]) await model.close();
  await server.stop();
  return figures;
};

/** The other process. Settings: `url`. */
export const rawRabbitmqAnswerer: Side = async (task) => {
  const url = textSetting(task, "url");
  const sending = await (await connectRabbitmq(url)).createConfirmChannel();
  const hearing = await (await connectRabbitmq(url)).createChannel();
  await hearing.consume(ASKED, (message) => {
    if (!message) return;
    const { sequence } = (JSON.parse(message.content.toString()) as BenchEnvelope).payload;
    void store(sending, ANSWERED, { sequence }).then(() => hearing.ack(message));
  });
  return partnerReady();
};
