import type { Position } from "./pattern-automaton.ts";

/** The sets of positions that can be reached from one another (Tarjan's algorithm, without recursion). */
export function loopsOf(positions: readonly Position[]): Set<Position>[] {
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
  const lower = (position: Position, value: number): void =>
    void lowest.set(position, Math.min(lowest.get(position) as number, value));
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
