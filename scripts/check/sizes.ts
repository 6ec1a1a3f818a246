// No file over 600 lines, a median under 100 in src/, and no file names that say nothing.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDERS = ["src", "test", "bench", "examples", "scripts", "dashboard"];
const MOST_LINES = 600;
const MOST_IN_MEDIAN = 100;
const EMPTY_NAMES = /(^|[-.])(utils?|helpers?|manager|base|common|misc|shared|stuff)([-.]|$)/;

const faults: string[] = [];
const sizes: number[] = [];
for (const folder of FOLDERS.filter((name) => existsSync(name))) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (path.includes("node_modules") || path.includes("dist/")) continue;
    if (EMPTY_NAMES.test(basename(path))) faults.push(`${path}: the name does not say what is in it`);
    if (!entry.isFile() || !/\.(ts|tsx|mjs|js)$/.test(path)) continue;
    const lines = readFileSync(path, "utf8").trimEnd().split("\n").length;
    if (lines > MOST_LINES) faults.push(`${path}: ${lines} lines, at most ${MOST_LINES}`);
    if (folder === "src") sizes.push(lines);
  }
}

const median = sizes.sort((a, b) => a - b)[sizes.length >> 1] ?? 0;
if (median >= MOST_IN_MEDIAN) faults.push(`src/: a median of ${median} lines a file, under ${MOST_IN_MEDIAN} wanted`);

console.log(`${sizes.length} files in src/, median ${median} lines, longest ${sizes.at(-1)}`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
