// The lock file names no host, so that any registry serves it, and every platform's optional binaries, without which
// `npm ci` refuses it. npm leaves out those that a mirror does not have.
import { readFileSync } from "node:fs";

interface Locked {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Locked> };
const faults: string[] = [];
for (const [path, { resolved, link, optionalDependencies = {} }] of Object.entries(packages)) {
  if (resolved !== undefined && !link)
    faults.push(`${path} is fetched from ${new URL(resolved).host}: remove \`resolved\``);
  for (const name of Object.keys(optionalDependencies)) {
    if (packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`]) continue;
    faults.push(`${name}, optional for ${path}, has no entry`);
  }
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
