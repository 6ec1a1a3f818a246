import { cpus, totalmem } from "node:os";

/** What the figures were measured on. */
export function machine(): {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
} {
  return {
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}
