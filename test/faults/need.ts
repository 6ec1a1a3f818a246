import { findProgram } from "../../scripts/servers/find-program.ts";

/** What a row cannot do without. */
export interface Need {
  /** As in "it needs ...". */
  readonly name: string;
  isMet(): boolean;
}

/** A program that has to be installed. */
export function installed(program: string): Need {
  return { name: program, isMet: () => findProgram(program) !== undefined };
}
