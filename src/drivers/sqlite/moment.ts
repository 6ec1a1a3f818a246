/** The times a transaction goes by. */
export interface Moment {
  /** Wall milliseconds. */
  readonly now: number;
  /** Monotonic milliseconds. */
  readonly monotonic: number;
}
