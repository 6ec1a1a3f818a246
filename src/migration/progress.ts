/** How far a migration is. */
export interface MigrationProgress {
  /** `state`: values of the store; `history`: logs, such as receipts and the journal; `messages`: what waits in inboxes. */
  readonly step: "state" | "history" | "messages";
  /** The bucket, log or inbox under way. */
  readonly name: string;
  /** Of this step: values, entries or messages that are in the target by now. */
  readonly done: number;
}

/** What a migration has carried, this run and those before it that it went on from. */
export interface MigrationReport {
  /** Values of the store: registry, dead letters, state. */
  readonly values: number;
  /** Entries of logs that this run has written. */
  readonly entries: number;
  /** Messages of all inboxes. */
  readonly messages: number;
  /** Of these, those that a run before had brought. */
  readonly messagesThereBefore: number;
  /** Inboxes of processes that wait for replies; what is in them ends with those processes. */
  readonly inboxesLeft: readonly string[];
  /** Whether the target goes on counting attempts; otherwise each message starts anew. */
  readonly attempts: boolean;
}
