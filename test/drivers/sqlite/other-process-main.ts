import type { Delivery } from "../../../src/broker/consumer.ts";
import type { Publication } from "../../../src/broker/publication.ts";
import type { Command, News } from "./other-process.ts";
import { driverOn, message } from "./setup.ts";

const [path = "", instance = ""] = process.argv.slice(2);
const driver = driverOn(path, instance);
const { broker } = driver;
const held = new Map<string, Delivery>();
const tell = (news: News): void => void process.send?.(news);

function end(delivery: Delivery): Promise<string> {
  const { id } = delivery.message;
  const record = {
    id,
    recipient: delivery.inbox,
    end: "acknowledged",
    at: Date.now(),
    instance,
    attempt: delivery.attempt,
  } as const;
  return Promise.resolve(delivery.settle({ outcome: "end", record }));
}

async function publish(publications: readonly Publication[]): Promise<string[]> {
  const results = await broker.publish(publications);
  return results.flatMap((result) => (result.status === "accepted" ? [result.id] : []));
}

async function run(command: Command): Promise<readonly string[]> {
  switch (command.do) {
    case "declare":
      await broker.declareInbox({
        name: command.inbox,
        ...(command.expiresAfter === undefined ? {} : { expiresAfter: command.expiresAfter }),
      });
      return [];
    case "publish": {
      const dueAt = command.dueIn === undefined ? {} : { dueAt: Date.now() + command.dueIn };
      return publish(command.ids.map((id) => ({ message: message(id), to: [command.inbox], ...dueAt })));
    }
    case "consume": {
      const { inbox, lease = 30_000, settle = false, exclusive = false } = command;
      let { credit } = command;
      const consumer = await broker.consume(inbox, {
        instance,
        lease,
        renew: true,
        exclusive,
        onDeliveries: (deliveries) => {
          for (const delivery of deliveries) {
            if (settle) void end(delivery);
            else held.set(delivery.message.id, delivery);
          }
          tell({
            delivered: deliveries.map(({ message: { id }, attempt, redelivered }) => ({ id, attempt, redelivered })),
          });
          credit -= deliveries.length;
          if (settle && credit < command.credit / 2) consumer.credit((credit = command.credit));
        },
        onRevoked: (delivery, why) => tell({ revoked: delivery.message.id, why }),
      });
      consumer.credit(credit);
      return [];
    }
    case "settle-held": {
      const results = await Promise.all([...held.values()].map(end));
      held.clear();
      return results;
    }
    case "flood":
      for (let at = 0; ; at++) {
        const ids = Array.from({ length: 20 }, (_, one) => `${command.prefix}-${at * 20 + one}`);
        tell({ accepted: await publish(ids.map((id) => ({ message: message(id), to: [command.inbox] }))) });
      }
    case "close":
      await broker.close();
      return [];
  }
}

await broker.open();
process.on("message", (command: Command) => {
  void run(command).then((results) => {
    tell({ done: command.do, results });
    if (command.do === "close") process.disconnect();
  });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ done: "declare" });
