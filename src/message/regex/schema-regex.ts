import { LinearRegex } from "./linear-regex.ts";
import { longestForBacktracking } from "./regex-cost.ts";
import { regexParts } from "./regex-parts.ts";

/** A schema's regular expression: the engine's own tests short texts, as far as none can be slow; a linear one the rest. */
export class SchemaRegex {
  readonly #engine: RegExp;
  readonly #source: string;
  readonly #longest: number;
  #linear: LinearRegex | undefined;

  /** For what `LinearRegex` takes. */
  constructor(source: string) {
    this.#source = source;
    this.#engine = new RegExp(source, "u");
    this.#longest = longestForBacktracking(regexParts(source), source);
  }

  test(text: string): boolean {
    if (text.length <= this.#longest) return this.#engine.test(text);
    return (this.#linear ??= new LinearRegex(this.#source)).test(text);
  }

  /** What tells it from others. */
  toString(): string {
    return String(this.#engine);
  }
}
