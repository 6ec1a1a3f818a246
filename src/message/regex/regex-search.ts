import type { RegexCharacters } from "./regex-characters.ts";
import { RegexGraph } from "./regex-graph.ts";
import type { RegexPart } from "./regex-parts.ts";
import { RegexWalk } from "./regex-walk.ts";

interface Look {
  readonly search: RegexSearch;
  readonly negative: boolean;
}

/** Looks for a part of a regular expression in a text: one pass over it, and one for each look within. */
export class RegexSearch {
  readonly #characters: RegexCharacters;
  readonly #backwards: boolean;
  readonly #walk: RegexWalk;
  readonly #looks: readonly Look[];

  /** @throws RegexUnfit when the part is too large */
  constructor(part: RegexPart, options: { readonly characters: RegexCharacters; readonly backwards: boolean }) {
    const { characters, backwards } = options;
    const graph = new RegexGraph(part, options);
    this.#characters = characters;
    this.#backwards = backwards;
    this.#walk = new RegexWalk(graph, characters);
    this.#looks = graph.looks.map((look) => ({
      // What lies ahead of each place is known when the text has been read from its end, what lies behind from its start.
      search: new RegexSearch(look.part, { characters, backwards: !look.behind }),
      negative: look.negative,
    }));
  }

  /** What it did so far, see `RegexWalk`. */
  get work(): number {
    return this.#looks.reduce((sum, look) => sum + look.search.work, this.#walk.work);
  }

  /** Whether the text has it anywhere. */
  find(text: string): boolean {
    const looks = this.#look(text);
    let state = this.#walk.start();
    for (let at = 0; at < text.length; ) {
      const point = text.codePointAt(at) as number;
      state = this.#walk.read(state, this.#characters.classOf(point), looks === undefined ? 0 : (looks[at] as number));
      if (state.ends) return state.found;
      at += point > 0xffff ? 2 : 1;
    }
    return this.#walk.read(state, 0, looks?.[text.length] ?? 0).found;
  }

  /** For each place of the text a bit for each look that holds there. */
  #look(text: string): Uint8Array | undefined {
    if (this.#looks.length === 0) return undefined;
    const into = new Uint8Array(text.length + 1);
    for (const [index, { search, negative }] of this.#looks.entries())
      search.#mark(text, { into, bit: 1 << index, negative });
    return into;
  }

  /** Marks the places that it ends at, or begins at when it is read backwards; the others when `negative`. */
  #mark(text: string, marks: { readonly into: Uint8Array; readonly bit: number; readonly negative: boolean }): void {
    const { into, bit, negative } = marks;
    const looks = this.#look(text);
    const end = this.#backwards ? 0 : text.length;
    let at = text.length - end;
    for (let state = this.#walk.start(); ; ) {
      const point = at === end ? undefined : this.#backwards ? pointBefore(text, at) : (text.codePointAt(at) as number);
      const next = point === undefined ? 0 : this.#characters.classOf(point);
      state = this.#walk.read(state, next, looks === undefined ? 0 : (looks[at] as number));
      if (state.found !== negative) into[at] = (into[at] as number) | bit;
      if (point === undefined) return;
      const width = point > 0xffff ? 2 : 1;
      at += this.#backwards ? -width : width;
    }
  }
}

/** The character that ends before a place of a text. */
function pointBefore(text: string, at: number): number {
  const point = at > 1 ? (text.codePointAt(at - 2) as number) : 0;
  return point > 0xffff ? point : text.charCodeAt(at - 1);
}
