import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache");

/**
 * Compiles the library and the sides as they are published, with plain `tsc`: a loader that translates on the fly
 * would slow the sides down unevenly. Returns a new folder, laid out as the repository is, for the caller to remove.
 * @throws Error with the compiler's output
 */
export function compile(): string {
  mkdirSync(CACHE, { recursive: true });
  const out = mkdtempSync(join(CACHE, "agentwire-bench-"));
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", join(ROOT, "bench"), "--outDir", out], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the library does not compile:\n${stdout}`);
  // The package's own file says that what was compiled are ES modules.
  copyFileSync(join(ROOT, "package.json"), join(out, "package.json"));
  return out;
}
