import { RegexCharacters } from "./regex-characters.ts";
import { hasPair, isFoundInPairs } from "./regex-pairs.ts";
import { regexParts } from "./regex-parts.ts";
import { RegexSearch } from "./regex-search.ts";

/**
 * Tests texts as `new RegExp(source, "u")` does, in time linear in their length: a character costs at most a step over
 * each node of the expression's graphs. The engine tries one way after the other instead, and gives up on long texts.
 */
export class LinearRegex {
  readonly #search: RegexSearch;
  readonly #inPairs: boolean;

  /**
   * For what is a valid expression.
   * @throws RegexUnfit when it cannot be tested in linear time
   * @throws SyntaxError when it changes flags within
   */
  constructor(source: string) {
    const parts = regexParts(source);
    this.#inPairs = isFoundInPairs(parts);
    this.#search = new RegexSearch(parts, { characters: new RegexCharacters(), backwards: false });
  }

  /** What it did so far beside one look-up for each character and look, in nodes and words of 32 positions. */
  get work(): number {
    return this.#search.work;
  }

  test(text: string): boolean {
    return (this.#inPairs && hasPair(text)) || this.#search.find(text);
  }
}
