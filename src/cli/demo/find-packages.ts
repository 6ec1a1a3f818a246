import { access, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Finds the package folders under `folder`, links not followed. A folder with a `package.json` is a package when it lies
 * directly in a `node_modules` (or in an `@scope` there), or when no `node_modules` is above it.
 */
export async function* findPackages(folder: string): AsyncGenerator<string> {
  yield* search(folder, basename(folder) === "node_modules");
}

async function* search(folder: string, installed: boolean): AsyncGenerator<string> {
  if (isPlace(folder, installed) && (await exists(join(folder, "package.json")))) yield folder;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) yield* search(join(folder, entry.name), installed || entry.name === "node_modules");
  }
}

/** Whether a package may lie here. */
export function isPlace(folder: string, installed: boolean): boolean {
  if (!installed) return true;
  const above = dirname(folder);
  return (
    basename(above) === "node_modules" ||
    (basename(above).startsWith("@") && basename(dirname(above)) === "node_modules")
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
