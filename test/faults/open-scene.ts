import { MemoryScene } from "./memory-scene.ts";
import type { Backend } from "./row.ts";
import { Scene } from "./scene.ts";

/** A scene for a row that runs on more than one backend. */
export function openScene(backend: Backend, seed: number): Scene {
  return backend === "memory" ? new MemoryScene(seed) : new Scene(seed);
}
