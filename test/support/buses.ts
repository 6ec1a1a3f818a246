import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, type ConnectOptions, connect } from "agentwire";
import { afterEach, describe } from "vitest";
import { describeOn } from "./servers.ts";

/** Opens buses for one test; several on one engine where the driver shares it. */
export interface Buses {
  /** A bus on the test's engine; on `memory` a second call gives a second, separate engine. */
  open(options?: ConnectOptions): Promise<Bus>;
}

/** A driver that the tests of buses run on. */
export type TestedDriver = "memory" | "sqlite" | "redis" | "postgres";

type Connect = (options: ConnectOptions) => Promise<Bus>;

/** Runs the same tests on every embedded driver; everything opened is closed and removed after each test. */
export function onEmbeddedDrivers(name: string, tests: (buses: Buses, driver: TestedDriver) => void): void {
  for (const driver of ["memory", "sqlite"] as const) {
    describe(`${name} on ${driver}`, () => {
      let folder: string | undefined;
      closingAfterEach(
        (connecting) => tests(connecting, driver),
        (options) => {
          folder ??= mkdtempSync(join(tmpdir(), "agentwire-test-"));
          return connect(driver === "memory" ? "memory:" : `sqlite:${join(folder, "bus.db")}`, options);
        },
        () => {
          if (folder) rmSync(folder, { recursive: true, force: true });
          folder = undefined;
        },
      );
    });
  }
}

/** The same on the drivers of servers too, each test in a namespace of its own: for what a driver has a part in. */
export function onEachDriver(name: string, tests: (buses: Buses, driver: TestedDriver) => void): void {
  onEmbeddedDrivers(name, tests);
  for (const driver of ["redis", "postgres"] as const) {
    describeOn(driver, `${name} on ${driver}`, (server) => {
      let namespace = freshNamespace();
      closingAfterEach(
        (connecting) => tests(connecting, driver),
        (options) => connect(server.url, { ...options, namespace: namespace + (options.namespace ?? "") }),
        () => {
          namespace = freshNamespace();
        },
      );
    });
  }
}

function freshNamespace(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}

function closingAfterEach(tests: (buses: Buses) => void, open: Connect, clear: () => void): void {
  const opened: Bus[] = [];
  afterEach(async () => {
    for (const bus of opened.splice(0).reverse()) await bus.close({ grace: 100 });
    clear();
  });
  tests({
    async open(options = {}) {
      const bus = await open({ logger: false, ...options });
      opened.push(bus);
      return bus;
    },
  });
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
