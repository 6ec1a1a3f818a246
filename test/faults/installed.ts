import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Whether a program is found on the path. */
export function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
