// A queue: workers pull jobs when they are ready, the urgent ones first, and acknowledge, retry or reject each.
import { connect, defineAgent, defineMessage } from "agentwire";
import { z } from "zod";

const Resize = defineMessage("image.resize", z.object({ path: z.string(), width: z.number() }));

// In memory, or on the engine that the environment names.
process.env["AGENTWIRE_URL"] ??= "memory:";
await using bus = await connect();
const worker = await bus.join(
  defineAgent({ name: "resizer", receives: [Resize], retry: { attempts: 3, backoff: "immediate" } }),
);

await bus.send(Resize, { path: "holiday.png", width: 100 }, { to: "resizer", priority: "background" });
await bus.send(Resize, { path: "flaky.png", width: 100 }, { to: "resizer" });
await bus.send(Resize, { path: "not-an-image", width: 100 }, { to: "resizer" });
await bus.send(Resize, { path: "front-page.png", width: 100 }, { to: "resizer", priority: "critical" });

let open = 4;
for await (const job of worker.deliveries()) {
  const { path } = job.message.payload;
  if (!path.endsWith(".png")) await job.reject("not an image");
  else if (path === "flaky.png" && job.attempt === 1) await job.retry({ delay: 0 });
  else await job.ack();
  if (path !== "flaky.png" || job.attempt > 1) open--;
  console.log(`${path}: attempt ${job.attempt}`);
  if (open === 0) break;
}
const [letter] = await bus.deadLetters.list({ agent: "resizer" });
console.log(`dead letter: ${letter?.reason}`);
