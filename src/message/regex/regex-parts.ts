/** A regular expression taken apart, as far as it matters for which texts it is found in. */
export type RegexPart =
  /** One character: a literal, an escape, a class or a dot, as it is written. */
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "sequence"; readonly parts: readonly RegexPart[] }
  | { readonly kind: "choice"; readonly options: readonly RegexPart[] }
  | { readonly kind: "repeat"; readonly part: RegexPart; readonly min: number; readonly max: number }
  | { readonly kind: "assertion"; readonly at: Assertion }
  /** Looks ahead or behind, and takes no character. */
  | { readonly kind: "look"; readonly part: RegexPart; readonly behind: boolean; readonly negative: boolean };

/** What holds at a place of the text: `^`, `$`, `\b` and `\B`. */
export type Assertion = "start" | "end" | "boundary" | "no boundary";

/** Thrown for a regular expression that cannot be matched in linear time; says why, and what to do instead. */
export class RegexUnfit extends Error {}

/** Groups within groups. */
const MOST_LEVELS = 200;
/** Each look is one more pass over a text. */
const MOST_LOOKS = 8;

const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  "^": "start",
  $: "end",
  "\\b": "boundary",
  "\\B": "no boundary",
};

/**
 * Takes apart what is a valid regular expression under the flag `u`.
 * @throws RegexUnfit when it refers back to what a group matched, or has too many groups in each other or looks
 * @throws SyntaxError when it has flags within, which not every engine knows
 */
export function regexParts(source: string): RegexPart {
  return new Reader(source).choice();
}

class Reader {
  readonly #source: string;
  #at = 0;
  #level = 0;
  #looks = 0;

  constructor(source: string) {
    this.#source = source;
  }

  choice(): RegexPart {
    const options = [this.#sequence()];
    while (this.#take(/\|/y) !== undefined) options.push(this.#sequence());
    return options.length === 1 ? (options[0] as RegexPart) : { kind: "choice", options };
  }

  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #sequence(): RegexPart {
    const parts: RegexPart[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at] as string)) {
      parts.push(this.#repeated(this.#term()));
    }
    return { kind: "sequence", parts };
  }

  #repeated(part: RegexPart): RegexPart {
    // A lazy repetition is found in the same texts as a greedy one.
    const sign = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    if (sign === undefined) return part;
    if (sign[0] === "*") return { kind: "repeat", part, min: 0, max: Number.POSITIVE_INFINITY };
    if (sign[0] === "+") return { kind: "repeat", part, min: 1, max: Number.POSITIVE_INFINITY };
    if (sign[0] === "?") return { kind: "repeat", part, min: 0, max: 1 };
    const [min, max] = sign.slice(1, sign.indexOf("}")).split(",") as [string, string | undefined];
    return {
      kind: "repeat",
      part,
      min: Number(min),
      max: max === undefined ? Number(min) : max === "" ? Number.POSITIVE_INFINITY : Number(max),
    };
  }

  #term(): RegexPart {
    const assertion = ASSERTIONS[this.#take(/[$^]|\\[bB]/y) ?? ""];
    if (assertion !== undefined) return { kind: "assertion", at: assertion };
    const group = this.#take(/\((?:\?(?:[:=!]|<[=!]|<[^>]+>))?/y);
    if (group !== undefined) {
      if (this.#source[this.#at] === "?") throw new SyntaxError("A group cannot change flags");
      if (++this.#level > MOST_LEVELS) throw new RegexUnfit(`nests more than ${MOST_LEVELS} groups; write fewer`);
      const part = this.choice();
      this.#level--;
      this.#take(/\)/y);
      if (!/[=!]$/.test(group)) return part;
      if (++this.#looks > MOST_LOOKS)
        throw new RegexUnfit(`looks ahead or behind more than ${MOST_LOOKS} times; use several patterns with allOf`);
      return { kind: "look", part, behind: group.includes("<"), negative: group.endsWith("!") };
    }
    if (this.#take(/\\(?:[1-9]|k<)/y) !== undefined)
      throw new RegexUnfit("refers back to what a group matched, which no linear matcher can do; write it out");
    return { kind: "character", source: this.#character() };
  }

  #character(): string {
    const written =
      this.#take(/\[(?:[^\]\\]|\\[^])*\]/y) ??
      this.#take(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})/y) ??
      this.#take(/\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[^])/y) ??
      this.#take(/[^]/uy);
    return written ?? "";
  }
}
