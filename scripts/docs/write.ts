// Writes the pages that come from the code; with `--check` it only fails where one is out of date.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { PAGES } from "./pages.ts";

const check = process.argv.includes("--check");
for (const [path, write] of Object.entries(PAGES)) {
  const now = existsSync(path) ? readFileSync(path, "utf8") : "";
  const text = await write(now);
  if (text === now) continue;
  if (check) {
    console.error(`${path} is out of date; run npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`${path} written`);
  }
}
