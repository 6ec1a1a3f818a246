/** Blocks of 256 characters whose classes are remembered, at a kilobyte each. */
const MOST_BLOCKS = 256;

/** What all characters of one class have in common. */
interface Class {
  /** The literal that takes them, by its number; undefined for all characters that no literal takes. */
  readonly literal: number | undefined;
  /** The other parts that take them, by their numbers. */
  readonly sets: ReadonlySet<number>;
}

/**
 * Sorts all characters into classes, such that no part of a regular expression tells two of one class apart. What
 * `\w`, `[^a-z]` or `\p{L}` takes is asked of the engine's own regular expressions, once for each character met.
 */
export class RegexCharacters {
  readonly #literals = new Map<number, number>();
  readonly #sets = new Map<string, number>();
  readonly #takes = new Map<number, RegExp>();
  readonly #keys = new Map<string, number>();
  readonly #classes: Class[] = [];
  readonly #first = new Int32Array(256);
  readonly #blocks = new Map<number, Int32Array>();

  /** The number of a part that takes one character, given as it is written. */
  add(source: string): number {
    const point = literal(source);
    const known = point === undefined ? this.#sets.get(source) : this.#literals.get(point);
    if (known !== undefined) return known;
    const number = this.#literals.size + this.#sets.size;
    if (point === undefined) {
      this.#sets.set(source, number);
      this.#takes.set(number, new RegExp(`^(?:${source})$`, "u"));
    } else this.#literals.set(point, number);
    return number;
  }

  /** The class of a character, from 1 on. All parts must have been added. */
  classOf(point: number): number {
    const block = point < 256 ? this.#first : this.#block(point >> 8);
    return block[point & 255] || (block[point & 255] = this.#classify(point));
  }

  /** Whether the part of that number takes the characters of a class. */
  has(characterClass: number, part: number): boolean {
    const { literal, sets } = this.#classes[characterClass - 1] as Class;
    return literal === part || sets.has(part);
  }

  #block(number: number): Int32Array {
    let block = this.#blocks.get(number);
    if (block !== undefined) return block;
    if (this.#blocks.size >= MOST_BLOCKS) this.#blocks.clear();
    this.#blocks.set(number, (block = new Int32Array(256)));
    return block;
  }

  #classify(point: number): number {
    const character = String.fromCodePoint(point);
    const literal = this.#literals.get(point);
    const sets = [...this.#takes].filter(([, expression]) => expression.test(character)).map(([number]) => number);
    const key = [literal, ...sets].join();
    let found = this.#keys.get(key);
    if (found === undefined) this.#keys.set(key, (found = this.#classes.push({ literal, sets: new Set(sets) })));
    return found;
  }
}

/** The character that a part stands for by itself or behind a backslash. */
function literal(source: string): number | undefined {
  const bare = source.length > 1 && source.startsWith("\\") ? source.slice(1) : source;
  const isLiteral = bare === source ? /^[^.[]$/u.test(source) : /^[^a-zA-Z\d]$/u.test(bare);
  return isLiteral ? bare.codePointAt(0) : undefined;
}
