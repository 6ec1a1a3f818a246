// Packs the package as it would be published, and looks at it with publint and attw, and by loading its entries.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "agentwire-package-"));
const run = (command: string, args: string[], cwd = "."): void => {
  execFileSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
};
const tool = (name: string, ...args: string[]): void => run(process.execPath, [`node_modules/.bin/${name}`, ...args]);

try {
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder]);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  console.log(`${(statSync(tarball).size / 1024).toFixed(0)} KiB packed`);

  tool("publint", "run", tarball, "--strict");
  tool("attw", tarball, "--profile", "esm-only", "--format", "ascii", "--no-emoji");

  // The packed files beside nothing but the package's own dependencies.
  const installed = join(folder, "node_modules/agentwire");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
  const { dependencies, exports, bin } = JSON.parse(readFileSync("package.json", "utf8")) as {
    dependencies: Record<string, string>;
    exports: Record<string, unknown>;
    bin: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    symlinkSync(resolve("node_modules", name), join(folder, "node_modules", name), "dir");
  }
  const entries = Object.keys(exports).filter((path) => path !== "./package.json");
  const load = entries.map((path) => `await import(${JSON.stringify(path.replace(".", "agentwire"))});`).join("\n");
  run(process.execPath, ["--input-type=module", "--eval", load], folder);
  for (const file of Object.values(bin)) run(process.execPath, [join(installed, file), "--help"], folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
