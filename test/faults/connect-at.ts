import { type Bus, type ConnectOptions, connect } from "../../src/index.ts";
import type { Place } from "./roles/role.ts";

/** Connects to the bus of a task. */
export function connectAt({ url, store }: Place, options: ConnectOptions = {}): Promise<Bus> {
  return connect(url, { logger: false, ...(store === undefined ? {} : { store }), ...options });
}
