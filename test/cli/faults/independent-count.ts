import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What an audit of a `node_modules` folder has to find: counted from one flat list of files, by their paths alone. */
export function countPackages(nodeModules: string) {
  const files = readdirSync(nodeModules, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const owner = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
  const packages = new Set(
    files
      .filter((file) => owner.exec(file)?.[0] === file.slice(0, -"/package.json".length))
      .map((file) => file.slice(0, -13)),
  );
  const bytes = new Map([...packages].map((path) => [path, 0]));
  let count = 0;
  for (const file of files) {
    const path = owner.exec(file)?.[0] ?? "";
    const before = bytes.get(path);
    // Files that lie in a package's own `node_modules` without being of any package are nobody's.
    if (before === undefined || file.slice(path.length).includes("/node_modules/")) continue;
    bytes.set(path, before + statSync(file).size);
    count++;
  }
  const licences: Record<string, number> = {};
  const broken: string[] = [];
  for (const path of packages) {
    try {
      const { license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
      const name =
        typeof license === "string" && license.trim() !== ""
          ? license.trim()
          : typeof license === "object"
            ? license.type
            : "(none)";
      licences[name] = (licences[name] ?? 0) + 1;
    } catch {
      broken.push(path);
    }
  }
  return { packages, bytes, files: count, licences, broken };
}
