import type { RegexGraph, RegexNode } from "./regex-graph.ts";

const WORD_SIZE = 32;
/** Positions that share their way on, from which it is looked up for all of them at once. */
const MANY = 8;

/** What stands beside a place of the text. */
export type Beside = "edge" | "word" | "other";

/** A place of a text, as far as it decides where a graph leads to. */
export interface Place {
  readonly before: Beside;
  readonly after: Beside;
  /** A bit for each look that holds here. */
  readonly looks: number;
  /** Whether the expression may begin here. */
  readonly begins: boolean;
}

/** A set of positions that lead on to the same node. */
interface Exit {
  readonly node: RegexNode;
  readonly from: number;
  readonly bits: Int32Array;
}

/**
 * Steps from the positions of a graph that took the last character to those that may take the next one, in sets of a bit
 * each. `.{1,500}` leads from each of its characters to the one built before it, and out by one exit for all of them: the
 * first is a shift of the set, the second one look at it.
 */
export class RegexStep {
  /** Nodes and words of sets worked on so far. */
  work = 0;
  /** Words of a set. */
  readonly size: number;
  readonly #graph: RegexGraph;
  readonly #chained: Int32Array;
  /** The ways on of the other positions, or beside the chain. */
  readonly #ways: (RegexNode | undefined)[] = [];
  readonly #single: Int32Array;
  readonly #exits: Exit[] = [];
  readonly #open: RegexNode[] = [];
  #step = 0;

  constructor(graph: RegexGraph) {
    this.#graph = graph;
    this.size = Math.ceil(graph.positions.length / WORD_SIZE);
    this.#chained = new Int32Array(this.size);
    this.#single = new Int32Array(this.size);
    const shared = new Map<RegexNode, number[]>();
    for (const { position, next } of graph.positions) {
      const after = next as RegexNode;
      const once = after.condition === "always" ? (after.next as RegexNode) : after;
      const isChained = once.condition === "take" && once.position === position - 1;
      if (isChained) addPosition(this.#chained, position);
      const way = !isChained ? after : once === after ? undefined : after.other;
      this.#ways.push(way);
      if (way === undefined) continue;
      const others = shared.get(way);
      if (others === undefined) shared.set(way, [position]);
      else others.push(position);
    }
    for (const [node, positions] of shared) {
      if (positions.length < MANY) for (const position of positions) addPosition(this.#single, position);
      else this.#exits.push(exit(node, positions));
    }
  }

  /** Fills `into`; whether the expression is found up to this place. */
  from(positions: Int32Array, place: Place, into: Int32Array): boolean {
    this.#step++;
    this.work += this.size;
    for (let at = 0; at < this.size; at++) {
      const chained = (positions[at] as number) & (this.#chained[at] as number);
      const above = at + 1 < this.size ? (positions[at + 1] as number) & (this.#chained[at + 1] as number) : 0;
      into[at] = (chained >>> 1) | (above << 31);
      for (let bits = (positions[at] as number) & (this.#single[at] as number); bits !== 0; bits &= bits - 1)
        this.#visit(this.#ways[at * WORD_SIZE + 31 - Math.clz32(bits & -bits)]);
    }
    for (const { node, from, bits } of this.#exits) {
      this.work++;
      for (let at = 0; at < bits.length; at++)
        if ((positions[from + at] as number) & (bits[at] as number)) {
          this.#visit(node);
          break;
        }
    }
    if (place.begins) this.#visit(this.#graph.start);
    return this.#follow(place, into);
  }

  #follow({ before, after, looks }: Place, into: Int32Array): boolean {
    let found = false;
    for (let node = this.#open.pop(); node !== undefined; node = this.#open.pop()) {
      switch (node.condition) {
        case "take":
          addPosition(into, node.position);
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
          if (before === "edge") this.#visit(node.next);
          break;
        case "last":
          if (after === "edge") this.#visit(node.next);
          break;
        case "boundary":
          if ((before === "word") !== (after === "word")) this.#visit(node.next);
          break;
        case "no boundary":
          if ((before === "word") === (after === "word")) this.#visit(node.next);
          break;
      }
    }
    return found;
  }

  #visit(node: RegexNode | undefined): void {
    if (node === undefined || node.step === this.#step) return;
    node.step = this.#step;
    this.work++;
    this.#open.push(node);
  }
}

function exit(node: RegexNode, positions: readonly number[]): Exit {
  const from = Math.floor((positions[0] as number) / WORD_SIZE);
  const bits = new Int32Array(Math.floor((positions.at(-1) as number) / WORD_SIZE) - from + 1);
  for (const position of positions) addPosition(bits, position - from * WORD_SIZE);
  return { node, from, bits };
}

/** Adds a position to a set. */
export function addPosition(set: Int32Array, position: number): void {
  set[position >> 5] = (set[position >> 5] as number) | (1 << (position & 31));
}
