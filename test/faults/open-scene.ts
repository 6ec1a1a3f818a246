import { MemoryScene } from "./memory-scene.ts";
import type { Backend } from "./row.ts";
import { Scene } from "./scene.ts";
import { ServerScene } from "./server-scene.ts";

/** A scene for a row that runs on more than one backend. */
export async function openScene(backend: Backend, seed: number): Promise<Scene> {
  if (backend === "memory") return new MemoryScene(seed);
  return backend === "sqlite" ? new Scene(seed) : ServerScene.open(backend, seed);
}
