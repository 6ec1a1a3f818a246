/** What the doctor has found about one thing. */
export interface Finding {
  /** A problem needs somebody; a note is good to know. */
  readonly level: "problem" | "note";
  /** Which check found it. */
  readonly check:
    | "engine"
    | "durability"
    | "orphan"
    | "backlog"
    | "stuck"
    | "poison"
    | "paused"
    | "capacity"
    | "dead-letters"
    | "silent"
    | "clock"
    | "version";
  /** The inbox, agent or engine. */
  readonly subject: string;
  readonly what: string;
  /** What to do. */
  readonly advice: string;
}
