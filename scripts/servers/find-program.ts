import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where a program is: on the path, or else in one of the other folders; undefined where it is not installed. */
export function findProgram(program: string, others: readonly string[] = []): string | undefined {
  return [...(process.env["PATH"] ?? "").split(":"), ...others]
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
