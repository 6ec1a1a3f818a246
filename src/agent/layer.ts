import type { PublishInterceptor } from "../bus/origin.ts";
import type { DeliverInterceptor } from "./handler.ts";

/** A pair of interceptors, for `use` on an agent or on the bus; the first in the list is the outermost. */
export interface Layer {
  /** For messages and people: what this layer does. */
  readonly name?: string;
  /** Around publishing. */
  readonly publish?: PublishInterceptor;
  /** Around handlers. A handler that streams is passed by. */
  readonly deliver?: DeliverInterceptor;
}
