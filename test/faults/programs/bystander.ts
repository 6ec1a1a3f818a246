// Holds a bus open and sends now and then, whatever becomes of the file; says what each send met.
import { AgentwireError, connect, defineAgent } from "../../../src/index.ts";
import { Job } from "../roles/job.ts";

/** What a bystander is told to do. */
export interface BystanderTask {
  readonly url: string;
}

const task = JSON.parse(process.argv[2] as string) as BystanderTask;
const bus = await connect(task.url, { logger: false, heartbeat: 200 });
await bus.join(defineAgent({ name: "worker", lease: 300 }).on(Job, () => {}));
process.stdout.write("ready\n");
for (let number = 0; ; number++) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    await bus.send(Job, { key: String(number), body: "" }, { to: "worker" });
    process.stdout.write(`sent ${number}\n`);
  } catch (error) {
    process.stdout.write(`refused ${number} ${AgentwireError.is(error) ? error.code : String(error)}\n`);
  }
}
