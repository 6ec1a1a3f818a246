import type { RegexCharacters } from "./regex-characters.ts";
import { type Assertion, type RegexPart, RegexUnfit } from "./regex-parts.ts";

/** Nodes of one graph: what a character of a text costs at most. */
const MOST_NODES = 4_096;

type Look = Extract<RegexPart, { kind: "look" }>;

/** A step of a graph: takes a character, or needs none and holds where its condition holds. */
export type Condition =
  | "take"
  | "always"
  | "found"
  | "look"
  /** Nothing was read yet; nothing is left to read. */
  | "first"
  | "last"
  | "boundary"
  | "no boundary";

export class RegexNode {
  readonly condition: Condition;
  /** The character taken, by its number; the look, by its number in the graph. */
  readonly value: number;
  /** Which of the nodes that take a character it is. */
  readonly position: number;
  next: RegexNode | undefined;
  /** The second way, of `always` alone. */
  other: RegexNode | undefined;
  /** The last step that came by. */
  step = 0;

  constructor(node: { condition: Condition; value?: number; position?: number; next?: RegexNode; other?: RegexNode }) {
    this.condition = node.condition;
    this.value = node.value ?? -1;
    this.position = node.position ?? -1;
    this.next = node.next;
    this.other = node.other;
  }
}

/** A regular expression as a graph to be walked, in reading direction or backwards (Thompson's automaton). */
export class RegexGraph {
  readonly start: RegexNode;
  /** Those that take a character. */
  readonly positions: RegexNode[] = [];
  readonly looks: Look[] = [];
  /** Whether it knows words from other text. */
  readsWords = false;
  /** Nodes in all. */
  size = 0;
  readonly #characters: RegexCharacters;
  readonly #backwards: boolean;

  /** @throws RegexUnfit when it is too large */
  constructor(part: RegexPart, options: { readonly characters: RegexCharacters; readonly backwards: boolean }) {
    this.#characters = options.characters;
    this.#backwards = options.backwards;
    this.start = this.#build(part, this.#node({ condition: "found" }));
  }

  /** The node where a part begins that goes on to `next`. */
  #build(part: RegexPart, next: RegexNode): RegexNode {
    switch (part.kind) {
      case "character":
        return this.#take(part.source, next);
      case "sequence":
        return this.#backwards
          ? part.parts.reduce((after, item) => this.#build(item, after), next)
          : part.parts.reduceRight((after, item) => this.#build(item, after), next);
      case "choice":
        return part.options
          .map((option) => this.#build(option, next))
          .reduceRight((other, option) => this.#node({ condition: "always", next: option, other }));
      case "repeat":
        return this.#repeat(part, next);
      case "assertion":
        return this.#node({ condition: this.#conditionOf(part.at), next });
      case "look":
        return this.#node({ condition: "look", value: this.#look(part), next });
    }
  }

  #take(source: string, next: RegexNode): RegexNode {
    const value = this.#characters.add(source);
    const node = this.#node({ condition: "take", value, position: this.positions.length, next });
    this.positions.push(node);
    return node;
  }

  /** A look that stands in a repetition is the same in each round. */
  #look(look: Look): number {
    const known = this.looks.indexOf(look);
    return known >= 0 ? known : this.looks.push(look) - 1;
  }

  #conditionOf(assertion: Assertion): Condition {
    if (assertion === "start") return this.#backwards ? "last" : "first";
    if (assertion === "end") return this.#backwards ? "first" : "last";
    this.readsWords = true;
    return assertion;
  }

  /** `a{2,4}` as `aa(a(a)?)?`. Rounds of a loop may be empty: they add no text that is found. */
  #repeat({ part, min, max }: Extract<RegexPart, { kind: "repeat" }>, next: RegexNode): RegexNode {
    let at = next;
    if (max === Number.POSITIVE_INFINITY) {
      const loop = this.#node({ condition: "always", other: next });
      loop.next = this.#build(part, loop);
      at = loop;
    } else {
      for (let count = min; count < max; count++) {
        const before = this.size;
        const once = this.#build(part, at);
        if (this.size === before) return next;
        at = this.#node({ condition: "always", next: once, other: next });
      }
    }
    for (let count = 0; count < min; count++) {
      const before = this.size;
      at = this.#build(part, at);
      if (this.size === before) return next;
    }
    return at;
  }

  #node(node: ConstructorParameters<typeof RegexNode>[0]): RegexNode {
    if (++this.size > MOST_NODES)
      throw new RegexUnfit(
        `is too large with its counted repetitions written out (over ${MOST_NODES} steps); bound lengths with maxLength`,
      );
    return new RegexNode(node);
  }
}
