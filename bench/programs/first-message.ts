import { connect, defineAgent, defineMessage } from "../../src/index.ts";

/** The smallest program: says `handled` at its first message. The bus's URL is its argument. */
const Hello = defineMessage("hello", { type: "object", properties: { name: { type: "string" } }, required: ["name"] });
const bus = await connect(process.argv[2]);
const handled = new Promise<void>((resolve) => {
  void bus
    .join(defineAgent({ name: "greeter" }).on(Hello, () => resolve()))
    .then(() => bus.send(Hello, { name: "Ada" }));
});
await handled;
process.stdout.write("handled\n");
await bus.close();
