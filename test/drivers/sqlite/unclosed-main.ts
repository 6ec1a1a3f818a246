import { driverOn, message } from "./setup.ts";

// Opens, consumes and holds a message, and has nothing more to do.
const { broker } = driverOn(process.argv[2] ?? "");
await broker.open();
await broker.declareInbox({ name: "inbox" });
const consumer = await broker.consume("inbox", {
  instance: "unclosed",
  lease: 30_000,
  renew: true,
  onDeliveries: ([delivery]) => console.log(`delivered ${delivery?.message.id}`),
});
consumer.credit(1);
await broker.publish([{ message: message("a"), to: ["inbox"] }]);
