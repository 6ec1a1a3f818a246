/** A regular expression taken apart, as far as it matters for how often it can match the same text. */
export type RegexPart =
  /** One character: a literal, an escape, a class or a dot, as it is written. */
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "sequence"; readonly parts: readonly RegexPart[] }
  | { readonly kind: "choice"; readonly options: readonly RegexPart[] }
  | { readonly kind: "repeat"; readonly part: RegexPart; readonly min: number; readonly max: number }
  /** Looks ahead or back, and takes no character. */
  | { readonly kind: "look"; readonly part: RegexPart };

const NOTHING: RegexPart = { kind: "sequence", parts: [] };

/** Takes a valid regular expression apart; undefined when it refers back to what a group matched. */
export function regexParts(source: string, flags: string): RegexPart | undefined {
  const reader = new Reader(source, flags.includes("u"));
  const part = reader.choice();
  return reader.refersBack ? undefined : part;
}

class Reader {
  refersBack = false;
  readonly #source: string;
  readonly #unicode: boolean;
  #at = 0;

  constructor(source: string, unicode: boolean) {
    this.#source = source;
    this.#unicode = unicode;
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
    if (this.#take(/[$^]|\\[bB]/y) !== undefined) return NOTHING;
    const group = this.#take(/\((?:\?(?:[:=!]|<[=!]|<[^>]+>))?/y);
    if (group !== undefined) {
      const part = this.choice();
      this.#take(/\)/y);
      return /[=!]$/.test(group) ? { kind: "look", part } : part;
    }
    if (this.#take(/\\(?:[1-9]|k<)/y) !== undefined) this.refersBack = true;
    return { kind: "character", source: this.#character() };
  }

  #character(): string {
    const written =
      this.#take(/\[(?:[^\]\\]|\\[^])*\]/y) ??
      (this.#unicode
        ? this.#take(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})/y)
        : undefined) ??
      this.#take(/\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[^])/y) ??
      (this.#unicode ? this.#take(/[^]/uy) : this.#take(/[^]/y));
    return written ?? "";
  }
}
