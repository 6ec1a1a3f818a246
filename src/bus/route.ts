import type { Candidate, CopyLimit } from "../broker/publication.ts";

/** Where a message goes, as decided at one revision of the registry. */
export interface Route {
  readonly to: readonly string[] | { readonly pick: readonly Candidate[] };
  /** A channel message or broadcast: a full inbox ends only its own copy. */
  readonly fanOut: boolean;
  /** How much of each inbox the channel's messages may fill, where that is limited. */
  readonly limit?: CopyLimit;
  /** Subscribers or matches that do not take the type. */
  readonly skipped: readonly string[];
}
