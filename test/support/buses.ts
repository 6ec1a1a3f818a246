import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, type ConnectOptions, connect } from "agentwire";
import { afterEach, describe } from "vitest";

/** Opens buses for one test; several on one engine where the driver shares it. */
export interface Buses {
  /** A bus on the test's engine; on `memory` a second call gives a second, separate engine. */
  open(options?: ConnectOptions): Promise<Bus>;
}

/** Runs the same tests on every embedded driver; everything opened is closed and removed after each test. */
export function onEachDriver(name: string, tests: (buses: Buses, driver: "memory" | "sqlite") => void): void {
  for (const driver of ["memory", "sqlite"] as const) {
    describe(`${name} on ${driver}`, () => {
      const cleanups: (() => Promise<void> | void)[] = [];
      let folder: string | undefined;
      afterEach(async () => {
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
        if (folder) rmSync(folder, { recursive: true, force: true });
        folder = undefined;
      });
      tests(
        {
          open: async (options = {}) => {
            folder ??= mkdtempSync(join(tmpdir(), "agentwire-test-"));
            const bus = await connect(driver === "memory" ? "memory:" : `sqlite:${join(folder, "bus.db")}`, {
              logger: false,
              ...options,
            });
            cleanups.push(() => bus.close({ grace: 100 }));
            return bus;
          },
        },
        driver,
      );
    });
  }
}

/** A promise with its resolver, to wait for a point in a handler. */
export function gate<T = void>(): { readonly promise: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open: (value) => open(value) };
}

/** The error a promise fails with; fails itself if there is none. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It should have failed");
}
