import type { RegexCharacters } from "./regex-characters.ts";
import type { RegexGraph, RegexNode } from "./regex-graph.ts";

/** States and steps between them that one walk remembers, in cells of 8 bytes or less. */
const MOST_CELLS = 1 << 17;
/** What a state comes to beside its positions. */
const STATE_CELLS = 16;
const WORD_SIZE = 32;

/** What stands beside a place of the text. */
const EDGE = 0;
const WORD = 1;
const OTHER = 2;

/** All places of a graph that one text can lead to. */
export interface WalkState {
  /** Whether the expression was found up to the character before the last one read. */
  found: boolean;
  /** Whether no text that follows changes `found`. */
  ends: boolean;
}

class State implements WalkState {
  found = false;
  ends = false;
  before = EDGE;
  /** A bit for each position whose character was the last one read. */
  readonly positions: Int32Array;
  /** By what comes next. */
  readonly next: (State | undefined)[] = [];

  constructor(positions: Int32Array) {
    this.positions = positions;
  }
}

/**
 * Walks all ways through a graph at once, so that a character costs one step at most over each node, whatever the text.
 * Steps are remembered, as a deterministic automaton that grows as it is used; when its room is used up, the rest of the
 * text is walked without remembering.
 */
export class RegexWalk {
  /** Nodes stepped over so far: the work beside one look-up a character. */
  steps = 0;
  readonly #graph: RegexGraph;
  readonly #characters: RegexCharacters;
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
  #step = 0;
  #open: RegexNode[] = [];

  constructor(graph: RegexGraph, characters: RegexCharacters) {
    this.#graph = graph;
    this.#characters = characters;
    this.#lookBits = graph.looks.length;
    this.#word = graph.readsWords ? characters.add("\\w") : -1;
    const size = Math.ceil(graph.positions.length / WORD_SIZE);
    this.#reached = new Int32Array(size);
    this.#spares = [new State(new Int32Array(size)), new State(new Int32Array(size))];
    this.#initial = new State(new Int32Array(size));
    this.#anywhere = this.#canBeginLater();
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
    const after = this.#beside(characterClass);
    const found = this.#follow(from, after, looks);
    const reached = this.#reached;
    const mask = this.#mask(characterClass);
    for (let at = 0; at < reached.length; at++) reached[at] = (reached[at] as number) & (mask[at] as number);
    if (this.#cells > MOST_CELLS) {
      const spare = from === this.#spares[0] ? this.#spares[1] : this.#spares[0];
      spare.positions.set(reached);
      return this.#describe(spare, { before: after, found });
    }
    const key = String.fromCharCode(after, found ? 1 : 0, ...new Uint16Array(reached.buffer));
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

  #describe(state: State, { before, found }: { before: number; found: boolean }): State {
    state.before = before;
    state.found = found;
    state.ends = found || (!this.#anywhere && state.positions.every((bits) => bits === 0));
    return state;
  }

  #beside(characterClass: number): number {
    if (characterClass === 0) return EDGE;
    return this.#word >= 0 && this.#characters.has(characterClass, this.#word) ? WORD : OTHER;
  }

  /** The positions whose parts take the characters of a class. */
  #mask(characterClass: number): Int32Array {
    const known = this.#masks[characterClass];
    if (known !== undefined) return known;
    const mask = new Int32Array(this.#reached.length);
    if (characterClass > 0) {
      for (const { position, value } of this.#graph.positions)
        if (this.#characters.has(characterClass, value)) set(mask, position);
    }
    this.#masks[characterClass] = mask;
    this.#cells += mask.length;
    return mask;
  }

  /** Gathers the positions that may take the next character; whether the expression is found before it. */
  #follow(from: State, after: number, looks: number): boolean {
    const { positions } = this.#graph;
    this.#reached.fill(0);
    this.#step++;
    this.#visit(this.#anywhere || from.before === EDGE ? this.#graph.start : undefined);
    for (let at = 0; at < from.positions.length; at++) {
      for (let bits = from.positions[at] as number; bits !== 0; bits &= bits - 1)
        this.#visit((positions[at * WORD_SIZE + 31 - Math.clz32(bits & -bits)] as RegexNode).next);
    }
    let found = false;
    for (let node = this.#open.pop(); node !== undefined; node = this.#open.pop()) {
      switch (node.condition) {
        case "take":
          set(this.#reached, node.position);
          break;
        case "always":
          this.#visit(node.next);
          this.#visit(node.other);
          break;
        case "found":
          found = true;
          break;
        case "look":
          if (looks & (1 << node.value)) this.#visit(node.next);
          break;
        case "first":
          if (from.before === EDGE) this.#visit(node.next);
          break;
        case "last":
          if (after === EDGE) this.#visit(node.next);
          break;
        case "boundary":
          if ((from.before === WORD) !== (after === WORD)) this.#visit(node.next);
          break;
        case "no boundary":
          if ((from.before === WORD) === (after === WORD)) this.#visit(node.next);
          break;
      }
    }
    return found;
  }

  #visit(node: RegexNode | undefined): void {
    if (node === undefined || node.step === this.#step) return;
    node.step = this.#step;
    this.steps++;
    this.#open.push(node);
  }

  #canBeginLater(): boolean {
    this.#step++;
    this.#visit(this.#graph.start);
    let can = false;
    for (let node = this.#open.pop(); node !== undefined; node = this.#open.pop()) {
      if (node.condition === "take" || node.condition === "found") can = true;
      if (node.condition === "first") continue;
      if (node.condition !== "take") this.#visit(node.next);
      this.#visit(node.other);
    }
    return can;
  }
}

function set(bits: Int32Array, position: number): void {
  bits[position >> 5] = (bits[position >> 5] as number) | (1 << (position & 31));
}
