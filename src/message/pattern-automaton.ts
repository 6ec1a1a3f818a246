import type { RegexPart } from "./regex-parts.ts";

const MOST_POSITIONS = 1_000;
const MOST_EDGES = 100_000;
/** A counted repetition that comes to no more characters than this is written out; a longer one counts as endless. */
const WRITTEN_OUT = 32;
/** The same for a part that can be empty: which of the repetitions are empty is one more choice each. */
const WRITTEN_OUT_EMPTY = 16;

/** A character of a pattern and those that can follow it, with the number of ways. */
export interface Position {
  /** Which of the automaton's characters it takes. */
  readonly character: number;
  readonly next: Map<Position, number>;
}

interface Piece {
  readonly nullable: boolean;
  readonly first: readonly Position[];
  readonly last: readonly Position[];
}

const EMPTY: Piece = { nullable: true, first: [], last: [] };

/** Thrown for a pattern too large to be looked at. */
export class TooComplex extends Error {}

/** The pattern's characters as positions, each linked to those that can follow it (Glushkov's automaton). */
export class PatternAutomaton {
  readonly positions: Position[] = [];
  readonly characters: string[] = [];
  #edges = 0;

  /** @throws TooComplex */
  build(part: RegexPart): Piece {
    switch (part.kind) {
      case "character":
        return this.#character(part.source);
      case "sequence":
        return part.parts.reduce((before: Piece, next) => this.#then(before, this.build(next)), EMPTY);
      case "choice": {
        const options = part.options.map((option) => this.build(option));
        return {
          nullable: options.some((option) => option.nullable),
          first: options.flatMap((option) => option.first),
          last: options.flatMap((option) => option.last),
        };
      }
      case "look":
        this.build(part.part);
        return EMPTY;
      case "repeat":
        return this.#repeat(part);
    }
  }

  #character(source: string): Piece {
    if (this.positions.length >= MOST_POSITIONS) throw new TooComplex();
    let character = this.characters.indexOf(source);
    if (character < 0) character = this.characters.push(source) - 1;
    const position: Position = { character, next: new Map() };
    this.positions.push(position);
    return { nullable: false, first: [position], last: [position] };
  }

  #then(before: Piece, after: Piece): Piece {
    this.#link(before.last, after.first);
    return {
      nullable: before.nullable && after.nullable,
      first: before.nullable ? [...before.first, ...after.first] : before.first,
      last: after.nullable ? [...before.last, ...after.last] : after.last,
    };
  }

  #repeat({ part, min, max }: Extract<RegexPart, { kind: "repeat" }>): Piece {
    if (max === 0) return EMPTY;
    const counted = max === Number.POSITIVE_INFINITY ? min : max;
    if (counted > 1 && counted * size(part) > WRITTEN_OUT_EMPTY && canBeEmpty(part)) throw new TooComplex();
    if (max <= 1 || max * size(part) <= WRITTEN_OUT) return this.#times(part, min, max);
    const piece = this.build(part);
    this.#link(piece.last, piece.first);
    return { ...piece, nullable: piece.nullable || min === 0 };
  }

  /** `a{2,4}` as `aa(a(a)?)?`. */
  #times(part: RegexPart, min: number, max: number): Piece {
    if (max === 0) return EMPTY;
    const one = this.build(part);
    const all = max === 1 ? one : this.#then(one, this.#times(part, Math.max(0, min - 1), max - 1));
    return min > 0 ? all : { ...all, nullable: true };
  }

  #link(from: readonly Position[], to: readonly Position[]): void {
    this.#edges += from.length * to.length;
    if (this.#edges > MOST_EDGES) throw new TooComplex();
    for (const position of from) for (const next of to) position.next.set(next, (position.next.get(next) ?? 0) + 1);
  }
}

/** How many characters a part can take at most; endless for a loop. */
function size(part: RegexPart): number {
  switch (part.kind) {
    case "character":
      return 1;
    case "sequence":
      return part.parts.reduce((sum, item) => sum + size(item), 0);
    case "choice":
      return part.options.reduce((sum, option) => sum + size(option), 0);
    case "look":
      return size(part.part);
    case "repeat":
      return part.max === 0 ? 0 : part.max * Math.max(1, size(part.part));
  }
}

function canBeEmpty(part: RegexPart): boolean {
  switch (part.kind) {
    case "character":
      return false;
    case "sequence":
      return part.parts.every(canBeEmpty);
    case "choice":
      return part.options.some(canBeEmpty);
    case "look":
      return true;
    case "repeat":
      return part.min === 0 || canBeEmpty(part.part);
  }
}
