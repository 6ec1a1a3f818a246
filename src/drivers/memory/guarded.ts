import type { DriverContext } from "../../broker/driver.ts";

/** Where a listener's fault is reported, and what it listened to. */
export interface GuardOptions {
  readonly context: DriverContext;
  readonly about: Readonly<Record<string, string>>;
}

/** A listener whose errors are reported, so that they reach neither the one who spoke nor the other listeners. */
export function guarded<T>(listener: (data: T) => void, { context, about }: GuardOptions): (data: T) => void {
  return (data) => {
    try {
      listener(data);
    } catch (error) {
      const details = { ...about, error: error instanceof Error ? error.name : typeof error };
      context.report({ type: "driver.fault", driver: "memory", message: "A listener threw an error.", details });
    }
  };
}
