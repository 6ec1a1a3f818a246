// Carries a bus, and is killed by itself when it has told of its progress so often.
import { migrate } from "../../../src/index.ts";

const [from, to, after] = process.argv.slice(2) as [string, string, string];
let told = 0;
await migrate(from, to, {
  onProgress: () => {
    if (++told === Number(after)) process.kill(process.pid, "SIGKILL");
  },
});
