import { RegexCharacters } from "./regex-characters.ts";
import { RegexGraph, type RegexNode } from "./regex-graph.ts";
import type { RegexPart } from "./regex-parts.ts";
import { samplePoints } from "./regex-samples.ts";

/** What a backtracking matcher may cost: at 50 ns a step, before the engine compiles an expression, a millisecond. */
const MOST_STEPS = 20_000;
const MOST_NODES = 1_000;
/** Nodes times classes of characters, beyond which working it out costs more than it saves. */
const MOST_PAIRS = 2_000;
const LENGTHS = [256, 64, 16];

/**
 * The longest text that a matcher which tries one way after the other tests in 20,000 steps at most, whatever the text:
 * 256, 64 or 16 code units, or 0 when no such bound is known.
 */
export function longestForBacktracking(part: RegexPart, source: string): number {
  const points = samplePoints(source);
  if (points === undefined) return 0;
  return LENGTHS.find((length) => cost({ part, backwards: false, length, points, isLook: false }) <= MOST_STEPS) ?? 0;
}

interface Search {
  readonly part: RegexPart;
  readonly backwards: boolean;
  readonly length: number;
  readonly points: readonly number[];
  /** Whether it is tried at one place, not at each place of the text. */
  readonly isLook: boolean;
}

/** Most steps that any text of that length can cost; a condition counts as fulfilled where it may be. */
function cost(search: Search): number {
  const characters = new RegexCharacters();
  const graph = new RegexGraph(search.part, { characters, backwards: search.backwards });
  if (graph.size > MOST_NODES) return Number.POSITIVE_INFINITY;
  const nodes = inOrder(graph.start);
  const classes = [...new Set(search.points.map((point) => characters.classOf(point)))];
  if (nodes === undefined || nodes.length * classes.length > MOST_PAIRS) return Number.POSITIVE_INFINITY;
  const takes = classes.map((characterClass) =>
    nodes.map(({ condition, value }) => condition === "take" && characters.has(characterClass, value)),
  );
  const looks = graph.looks.map((look) => cost({ ...search, part: look.part, backwards: look.behind, isLook: true }));
  const index = new Map(nodes.map((node, at) => [node, at]));
  const next = nodes.map((node) => (node.next ? (index.get(node.next) as number) : nodes.length));
  const other = nodes.map((node) => (node.other ? (index.get(node.other) as number) : nodes.length));

  /** Steps from each node, for the worst next character and what the rest of the text can cost after it. */
  const steps = (rest: Float64Array | undefined, atStart: boolean): Float64Array => {
    const worst = new Float64Array(nodes.length + 1);
    const now = new Float64Array(nodes.length + 1);
    for (const taken of rest === undefined ? [[]] : takes) {
      for (let at = 0; at < nodes.length; at++) {
        const { condition, value } = nodes[at] as RegexNode;
        const on = next[at] as number;
        if (condition === "take") {
          now[at] = rest !== undefined && taken[at] ? 1 + (rest[on] as number) : 1;
        } else if (condition === "first" && !atStart) {
          now[at] = 1;
        } else {
          const look = condition === "look" ? (looks[value] as number) : 0;
          now[at] = 1 + look + (now[on] as number) + (now[other[at] as number] as number);
        }
        worst[at] = Math.max(worst[at] as number, now[at] as number);
      }
    }
    return worst;
  };

  const start = index.get(graph.start) as number;
  let rest = steps(undefined, search.isLook);
  let before = rest;
  for (let length = 1; length <= search.length; length++) {
    before = rest;
    rest = steps(before, search.isLook);
    if ((rest[start] as number) > MOST_STEPS) return Number.POSITIVE_INFINITY;
  }
  const first = steps(before, true)[start] as number;
  return search.isLook ? first : first + search.length * (rest[start] as number);
}

/** All nodes, each behind those that it leads to without taking a character; undefined when there is a way round. */
function inOrder(start: RegexNode): RegexNode[] | undefined {
  const order = new Set<RegexNode>();
  const open = new Set<RegexNode>();
  const waiting = [start];
  const visit = (node: RegexNode | undefined): boolean => {
    if (node === undefined || order.has(node)) return true;
    if (open.has(node)) return false;
    open.add(node);
    if (node.condition === "take") waiting.push(node.next as RegexNode);
    else if (!visit(node.next) || !visit(node.other)) return false;
    order.add(node);
    return true;
  };
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) if (!visit(node)) return undefined;
  return [...order];
}
