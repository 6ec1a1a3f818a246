import type { Driver, DriverContext } from "../../../src/broker/driver.ts";
import { AgentwireError } from "../../../src/errors.ts";
import { OnStoreBroker, type OnStoreOptions } from "./broker.ts";

/** A driver that carries messages only. Its engine is the store that it is given. @throws STORE_REQUIRED */
export function onStoreDriver(
  context: DriverContext,
  options: OnStoreOptions = {},
): Driver & { readonly broker: OnStoreBroker } {
  const { store } = context;
  if (!store) throw new AgentwireError("STORE_REQUIRED", "on-store carries messages only");
  return { broker: new OnStoreBroker(context, store, options) };
}
