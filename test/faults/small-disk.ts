import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Need } from "./need.ts";

/** A disk of a few megabytes, mounted at a new folder. @throws where this process may not mount */
export class SmallDisk {
  readonly #folder: string;

  constructor(folder: string, megabytes: number) {
    mkdirSync(folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "agentwire-faults", folder], { stdio: "pipe" });
    this.#folder = folder;
  }

  get #ballast(): string {
    return join(this.#folder, "ballast");
  }

  /** Leaves no byte free. */
  fill(): void {
    const file = openSync(this.#ballast, "a");
    for (const size of [1_048_576, 4_096, 1]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) === size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
    closeSync(file);
  }

  /** Gives the space back. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    execFileSync("umount", ["--lazy", this.#folder], { stdio: "pipe" });
  }
}

/** Whether small disks can be had here: as root on Linux, as a rule. */
export const SMALL_DISKS: Need = {
  name: "the right to mount a disk",
  isMet: () => {
    const folder = mkdtempSync(join(tmpdir(), "agentwire-disk-"));
    try {
      new SmallDisk(folder, 1).unmount();
      return true;
    } catch {
      return false;
    } finally {
      rmdirSync(folder);
    }
  },
};
