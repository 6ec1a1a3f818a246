import type { Driver, DriverContext } from "../../broker/driver.ts";
import type { GuaranteeId } from "../guarantees.ts";

/** One thing that a driver must do, and the guarantees that it proves. */
export interface ConformanceCase<Trial> {
  readonly name: string;
  readonly verifies: readonly GuaranteeId[];
  /** Declared only where the options have it. */
  readonly needs?: "kill";
  run(trial: Trial): Promise<void>;
}

/** Time as the engine under test sees it. */
export interface EngineTime {
  /** Wall milliseconds. */
  now(): number;
  /** Lets milliseconds pass. */
  advance(duration: number): Promise<void>;
}

/** An engine made for one case. */
export interface ConformanceEngine {
  /** A new, opened driver, as a process of its own would have; all see the same messages and state. `options` are of its context. */
  connect(options?: Pick<DriverContext, "journal">): Promise<Driver>;
  /** A clock in the test's hand; absent: the engine lives in real time, and the cases wait. */
  readonly clock?: EngineTime;
  /** Removes the engine; the drivers have been closed. */
  dispose(): Promise<void>;
}

/** Options of the conformance suites. */
export interface ConformanceOptions {
  /** Groups cases: `describe` of vitest, node:test, mocha or jest. */
  describe(name: string, body: () => void): unknown;
  /** Declares a case: `it` of the same. */
  it(name: string, body: () => Promise<void>): unknown;
  /** Makes an empty engine; called once per case. */
  open(): Promise<ConformanceEngine>;
  /** Guarantees that the driver declares it does not keep; their cases are left out. */
  readonly gaps?: readonly GuaranteeId[];
  /**
   * Ends a connected driver as the death of its process would: nothing is released, nobody is told. `close` may still be
   * called on it. Absent: the cases of dead holders are left out, and have to be tested with real processes.
   */
  kill?(driver: Driver): Promise<void> | void;
  /** Runs of each property test; default 25. */
  readonly runs?: number;
}

/** Declares the cases of one concept. */
export function declareCases<Trial>(
  options: ConformanceOptions,
  group: { readonly name: string; readonly cases: readonly ConformanceCase<Trial>[] },
  start: (engine: ConformanceEngine) => Promise<{ readonly trial: Trial; close(): Promise<void> }>,
): void {
  const gaps = new Set<string>(options.gaps);
  const cases = group.cases.filter(
    (one) => !one.verifies.some((id) => gaps.has(id)) && (one.needs === undefined || options[one.needs] !== undefined),
  );
  if (cases.length === 0) return;
  options.describe(group.name, () => {
    for (const one of cases) {
      options.it(`${one.name} [${one.verifies.join(", ")}]`, async () => {
        const engine = await options.open();
        try {
          const { trial, close } = await start(engine);
          try {
            await one.run(trial);
          } finally {
            await close();
          }
        } finally {
          await engine.dispose();
        }
      });
    }
  });
}
