import { createClient } from "@redis/client";
import { startRedis } from "../../scripts/servers/redis.ts";
import { measureRoundTrips } from "../harness/measure-round-trips.ts";
import { type BenchEnvelope, envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { type Side, textSetting } from "../harness/task.ts";

const [ASKED, ANSWERED, GROUP] = ["asked", "answered", "group"];

type Read = readonly [{ readonly messages: readonly [{ readonly id: string; readonly message: { body: string } }] }];

const connected = (url: string) => createClient({ url }).connect();

/** A question in one stream and its answer in another, read by another process. Settings: `appendfsync`. */
export const rawRedisRequests: Side = async (task) => {
  const server = await startRedis({ folder: task.folder, settings: { appendfsync: textSetting(task, "appendfsync") } });
  const [sending, hearing] = [await connected(server.url), await connected(server.url)];
  await sending.xGroupCreate(ASKED, GROUP, "$", { MKSTREAM: true });
  await sending.xGroupCreate(ANSWERED, GROUP, "$", { MKSTREAM: true });
  const settings = { ...task.settings, url: server.url };
  const partner = await startPartner({ ...task, side: "raw-redis-answerer", settings });
  const text = filler(task.size);
  const figures = await measureRoundTrips(task, async (sequence) => {
    const answer = hearing.xReadGroup(GROUP, "asker", { key: ANSWERED, id: ">" }, { COUNT: 1, BLOCK: 0 });
    await sending.xAdd(ASKED, "*", { body: JSON.stringify(envelope(sequence, text)) });
    const [{ messages }] = (await answer) as unknown as Read;
    void hearing.xAck(ANSWERED, GROUP, messages[0].id);
    void hearing.xDel(ANSWERED, messages[0].id);
    return JSON.parse(messages[0].message.body) as { sequence: number };
  });
  await partner.stop();
  for (const client of [sending, hearing]) client.destroy();
  await server.stop();
  return figures;
};

/** The other process. Settings: `url`. */
export const rawRedisAnswerer: Side = async (task) => {
  const client = await connected(textSetting(task, "url"));
  void (async () => {
    for (;;) {
      const read = await client.xReadGroup(GROUP, "answerer", { key: ASKED, id: ">" }, { COUNT: 1, BLOCK: 0 });
      const [{ messages }] = read as unknown as Read;
      const { sequence } = (JSON.parse(messages[0].message.body) as BenchEnvelope).payload;
      void client.xAdd(ANSWERED, "*", { body: JSON.stringify({ sequence }) });
      void client.xAck(ASKED, GROUP, messages[0].id);
      void client.xDel(ASKED, messages[0].id);
    }
  })();
  return partnerReady();
};
