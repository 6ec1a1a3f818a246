import { characterOverlap } from "./character-overlap.ts";
import { PatternAutomaton, type Position, TooComplex } from "./pattern-automaton.ts";
import { loopsOf } from "./pattern-loops.ts";
import { regexParts } from "./regex-parts.ts";

const LONGEST_PATTERN = 4_096;
/** Positions of one loop, whose pairs are looked at. */
const LARGEST_LOOP = 300;

/**
 * Whether a regular expression cannot take exponential time, in a matcher that tries one way after the other.
 * It can when some text leads round a loop in two ways, such as `a` in `(a+)+` or `(a|a)*`. What cannot be decided
 * (references back, loops too large) counts as unsafe.
 */
export function isSafePattern(source: string, flags: string): boolean {
  if (source.length > LONGEST_PATTERN) return false;
  const parts = regexParts(source, flags);
  if (parts === undefined) return false;
  const automaton = new PatternAutomaton();
  try {
    automaton.build(parts);
  } catch (error) {
    if (error instanceof TooComplex) return false;
    throw error;
  }
  const overlap = characterOverlap({ characters: automaton.characters, source, flags });
  const loops = loopsOf(automaton.positions);
  return loops.every(
    (loop) => loop.size <= LARGEST_LOOP && hasOneWay(loop, (a, b) => overlap(a.character, b.character)),
  );
}

/** Whether no text leads from a position of a loop back to it in two ways. */
function hasOneWay(loop: ReadonlySet<Position>, overlap: (a: Position, b: Position) => boolean): boolean {
  const within = new Map(
    [...loop].map((position) => [position, [...position.next].filter(([next]) => loop.has(next))]),
  );
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
