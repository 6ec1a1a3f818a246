import type { RegexCharacters } from "./regex-characters.ts";
import type { RegexGraph, RegexNode } from "./regex-graph.ts";
import { addPosition, type Beside, RegexStep } from "./regex-step.ts";

/** States and steps between them that one walk remembers, in cells of 8 bytes or less. */
const MOST_CELLS = 1 << 17;
/** What a state comes to beside its positions. */
const STATE_CELLS = 16;
const BESIDES: readonly Beside[] = ["edge", "word", "other"];

/** All places of a graph that one text can lead to. */
export interface WalkState {
  /** Whether the expression was found up to the character before the last one read. */
  readonly found: boolean;
  /** Whether no text that follows changes `found`. */
  readonly ends: boolean;
}

class State implements WalkState {
  found = false;
  ends = false;
  before: Beside = "edge";
  /** Those whose character was the last one read. */
  readonly positions: Int32Array;
  /** By what comes next. */
  readonly next: (State | undefined)[] = [];

  constructor(positions: Int32Array) {
    this.positions = positions;
  }
}

/**
 * Walks all ways through a graph at once, so that a character costs at most a step over each node, whatever the text.
 * Steps are remembered, as a deterministic automaton that grows as it is used; when its room is used up, the rest of the
 * text is walked without remembering.
 */
export class RegexWalk {
  readonly #graph: RegexGraph;
  readonly #characters: RegexCharacters;
  readonly #step: RegexStep;
  /** Whether the expression can begin at every place, not at the first one only. */
  readonly #anywhere: boolean;
  readonly #word: number;
  readonly #lookBits: number;
  readonly #masks: Int32Array[] = [];
  readonly #states = new Map<string, State>();
  readonly #reached: Int32Array;
  readonly #spares: readonly [State, State];
  #initial: State;
  #cells = 0;

  constructor(graph: RegexGraph, characters: RegexCharacters) {
    this.#graph = graph;
    this.#characters = characters;
    this.#step = new RegexStep(graph);
    this.#lookBits = graph.looks.length;
    this.#word = graph.readsWords ? characters.add("\\w") : -1;
    const { size } = this.#step;
    this.#reached = new Int32Array(size);
    this.#spares = [new State(new Int32Array(size)), new State(new Int32Array(size))];
    this.#initial = new State(new Int32Array(size));
    this.#anywhere = canBeginLater(graph.start);
  }

  /** What it did so far beside one look-up a character, in nodes and words of 32 positions. */
  get work(): number {
    return this.#step.work;
  }

  /** The state before a text. */
  start(): WalkState {
    if (this.#cells > MOST_CELLS) {
      this.#cells = 0;
      this.#states.clear();
      this.#masks.length = 0;
      this.#initial = new State(this.#initial.positions);
    }
    return this.#initial;
  }

  /** Reads a character, by its class, or the end of the text, as 0; `looks` has a bit for each look that holds before it. */
  read(state: WalkState, characterClass: number, looks: number): WalkState {
    const from = state as State;
    const symbol = (characterClass << this.#lookBits) | looks;
    return from.next[symbol] ?? this.#walk(from, { characterClass, looks, symbol });
  }

  #walk(
    from: State,
    { characterClass, looks, symbol }: { characterClass: number; looks: number; symbol: number },
  ): State {
    const { before } = from;
    const after = this.#beside(characterClass);
    const reached = this.#reached;
    const begins = this.#anywhere || before === "edge";
    const found = this.#step.from(from.positions, { before, after, looks, begins }, reached);
    const mask = this.#mask(characterClass);
    for (let at = 0; at < reached.length; at++) reached[at] = (reached[at] as number) & (mask[at] as number);
    if (this.#cells > MOST_CELLS) {
      const spare = from === this.#spares[0] ? this.#spares[1] : this.#spares[0];
      spare.positions.set(reached);
      return this.#describe(spare, { before: after, found });
    }
    const key = String.fromCharCode(BESIDES.indexOf(after), Number(found), ...new Uint16Array(reached.buffer));
    let state = this.#states.get(key);
    if (state === undefined) {
      state = this.#describe(new State(reached.slice()), { before: after, found });
      this.#states.set(key, state);
      this.#cells += reached.length + STATE_CELLS;
    }
    from.next[symbol] = state;
    this.#cells++;
    return state;
  }

  #describe(state: State, { before, found }: { before: Beside; found: boolean }): State {
    state.before = before;
    state.found = found;
    state.ends = found || (!this.#anywhere && state.positions.every((bits) => bits === 0));
    return state;
  }

  #beside(characterClass: number): Beside {
    if (characterClass === 0) return "edge";
    return this.#word >= 0 && this.#characters.has(characterClass, this.#word) ? "word" : "other";
  }

  /** The positions whose parts take the characters of a class. */
  #mask(characterClass: number): Int32Array {
    const known = this.#masks[characterClass];
    if (known !== undefined) return known;
    const mask = new Int32Array(this.#reached.length);
    if (characterClass > 0) {
      for (const { position, value } of this.#graph.positions)
        if (this.#characters.has(characterClass, value)) addPosition(mask, position);
    }
    this.#masks[characterClass] = mask;
    this.#cells += mask.length;
    return mask;
  }
}

/** Whether a graph can be entered behind the first place that is read. */
function canBeginLater(start: RegexNode): boolean {
  const open = new Set([start]);
  for (const { condition, next, other } of open) {
    if (condition === "take" || condition === "found") return true;
    if (condition !== "first" && next !== undefined) open.add(next);
    if (other !== undefined) open.add(other);
  }
  return false;
}
