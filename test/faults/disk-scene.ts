import { join } from "node:path";
import { Scene } from "./scene.ts";
import { SmallDisk } from "./small-disk.ts";

const DISK = "disk";

/** A run whose database is alone on a disk that can be filled. */
export class DiskScene extends Scene {
  readonly disk: SmallDisk;

  constructor(seed: number, megabytes: number) {
    super(seed, { inside: DISK });
    this.disk = new SmallDisk(join(this.folder, DISK), megabytes);
  }

  protected override clear(): void {
    this.disk.unmount();
    super.clear();
  }
}
