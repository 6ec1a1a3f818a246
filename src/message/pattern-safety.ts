import { type RegexPart, regexParts } from "./regex-parts.ts";

const LONGEST_PATTERN = 4_096;
const MOST_POSITIONS = 1_000;
const MOST_EDGES = 100_000;
/** Positions of one loop, whose pairs are looked at. */
const LARGEST_LOOP = 300;
/** A counted repetition that comes to no more characters than this is written out; a longer one counts as endless. */
const WRITTEN_OUT = 32;
/** The same for a part that can be empty: which of the repetitions are empty is one more choice each. */
const WRITTEN_OUT_EMPTY = 16;

/** A character of a pattern and those that can follow it, with the number of ways. */
interface Position {
  readonly character: number;
  readonly next: Map<Position, number>;
}

interface Piece {
  readonly nullable: boolean;
  readonly first: readonly Position[];
  readonly last: readonly Position[];
}

const EMPTY: Piece = { nullable: true, first: [], last: [] };

class TooComplex extends Error {}

/**
 * Whether a regular expression cannot take exponential time, in a matcher that tries one way after the other.
 * It can when some text leads round a loop in two ways, such as `a` in `(a+)+` or `(a|a)*`. What cannot be decided
 * (references back, too many loops) counts as unsafe.
 */
export function isSafePattern(source: string, flags: string): boolean {
  if (source.length > LONGEST_PATTERN) return false;
  const parts = regexParts(source, flags);
  if (parts === undefined) return false;
  const automaton = new Automaton();
  try {
    automaton.build(parts);
  } catch (error) {
    if (error instanceof TooComplex) return false;
    throw error;
  }
  const overlap = overlaps(automaton.characters, source, flags);
  return loops(automaton.positions).every((loop) => loop.size <= LARGEST_LOOP && hasOneWay(loop, overlap));
}

/** The pattern's characters as positions, each linked to those that can follow it (Glushkov's automaton). */
class Automaton {
  readonly positions: Position[] = [];
  readonly characters: string[] = [];
  #edges = 0;

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

/** The sets of positions that can be reached from one another (Tarjan's algorithm, without recursion). */
function loops(positions: readonly Position[]): Set<Position>[] {
  const found: Set<Position>[] = [];
  const order = new Map<Position, number>();
  const lowest = new Map<Position, number>();
  const pending: Position[] = [];
  const isPending = new Set<Position>();
  const enter = (position: Position): { position: Position; rest: Position[] } => {
    order.set(position, order.size);
    lowest.set(position, order.size - 1);
    pending.push(position);
    isPending.add(position);
    return { position, rest: [...position.next.keys()] };
  };
  const lower = (position: Position, value: number): void => void lowest.set(position, Math.min(lowest.get(position) as number, value));
  for (const start of positions) {
    if (order.has(start)) continue;
    const stack = [enter(start)];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.pop();
      if (next !== undefined) {
        if (!order.has(next)) stack.push(enter(next));
        else if (isPending.has(next)) lower(top.position, order.get(next) as number);
        continue;
      }
      stack.pop();
      const above = stack.at(-1);
      if (above) lower(above.position, lowest.get(top.position) as number);
      if (lowest.get(top.position) !== order.get(top.position)) continue;
      const loop = new Set(pending.splice(pending.indexOf(top.position)));
      for (const position of loop) isPending.delete(position);
      if (loop.size > 1 || top.position.next.has(top.position)) found.push(loop);
    }
  }
  return found;
}

/** Whether no text leads from a position of a loop back to it in two ways. */
function hasOneWay(loop: ReadonlySet<Position>, overlap: (a: Position, b: Position) => boolean): boolean {
  const within = new Map([...loop].map((position) => [position, [...position.next].filter(([next]) => loop.has(next))]));
  const apart = new Map<Position, Set<Position>>();
  const open: (readonly [Position, Position])[] = [];
  const part = (a: Position, b: Position): void => {
    const seen = apart.get(a) ?? new Set();
    if (seen.has(b)) return;
    apart.set(a, seen.add(b));
    open.push([a, b]);
  };
  const nextOf = (position: Position): [Position, number][] => within.get(position) as [Position, number][];
  for (const position of loop) {
    for (const [a, ways] of nextOf(position)) {
      if (ways > 1) return false;
      for (const [b] of nextOf(position)) if (a !== b && overlap(a, b)) part(a, b);
    }
  }
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    for (const [a] of nextOf(pair[0])) {
      for (const [b] of nextOf(pair[1])) {
        if (a === b) return false;
        if (overlap(a, b)) part(a, b);
      }
    }
  }
  return true;
}

/** Whether two positions can take the same character, tried out on a sample of all characters and the pattern's own. */
function overlaps(characters: readonly string[], source: string, flags: string): (a: Position, b: Position) => boolean {
  const samples = samplesFor(source);
  const usable = flags.replaceAll(/[gy]/g, "");
  const taken = characters.map((character) => {
    const expression = new RegExp(`^(?:${character})$`, usable);
    return samples.map((sample) => expression.test(sample));
  });
  const known = new Map<number, boolean>();
  return (a, b) => {
    const key = a.character * characters.length + b.character;
    let both = known.get(key);
    if (both === undefined) {
      const others = taken[b.character] as boolean[];
      both = (taken[a.character] as boolean[]).some((takes, at) => takes && others[at]);
      known.set(key, both);
    }
    return both;
  };
}

function samplesFor(source: string): string[] {
  const points = new Set(Array.from({ length: 0x180 }, (_, point) => point));
  for (const character of "\u2028\ufeff\u0300Ωж\u05d0٠中あ가€\ue000😀") points.add(character.codePointAt(0) as number);
  const written = [...source].map((character) => character.codePointAt(0) as number);
  const escaped = [...source.matchAll(/\\(?:u\{([\da-fA-F]+)\}|u([\da-fA-F]{4})|x([\da-fA-F]{2}))/g)].map((found) => Number.parseInt((found[1] ?? found[2] ?? found[3]) as string, 16));
  for (const point of [...written, ...escaped]) for (const near of [point - 1, point, point + 1]) if (near >= 0 && near <= 0x10ffff) points.add(near);
  return [...points].map((point) => String.fromCodePoint(point));
}
