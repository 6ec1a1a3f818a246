import { cruise, type ICruiseResult } from "dependency-cruiser";

const roomOf = (path: string): string | undefined => /^src\/(drivers\/[^/]+|[^/]+)/.exec(path)?.[1];

/** Which room imports which, in src/. */
async function imports(): Promise<Map<string, Set<string>>> {
  const { output } = await cruise(["src"], {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
  });
  const edges = new Map<string, Set<string>>();
  for (const { source, dependencies } of (output as ICruiseResult).modules) {
    const from = roomOf(source);
    if (from === undefined) continue;
    const to = edges.get(from) ?? new Set();
    for (const { resolved } of dependencies) {
      const room = roomOf(resolved);
      if (room !== undefined && room !== from) to.add(room);
    }
    edges.set(from, to);
  }
  return edges;
}

/** Whether one room reaches another over at least one room between. */
function reachesOver(edges: Map<string, Set<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const queue = [...(edges.get(from) ?? [])].filter((room) => room !== to);
  for (let room = queue.pop(); room !== undefined; room = queue.pop()) {
    if (room === to) return true;
    if (seen.has(room)) continue;
    seen.add(room);
    queue.push(...(edges.get(room) ?? []));
  }
  return false;
}

/**
 * The rooms of src/ as a Mermaid picture. An arrow that follows from others is left out, so that what is
 * drawn can be read: a room may import whatever can be reached from it.
 */
export async function roomsPicture(): Promise<string> {
  const edges = await imports();
  const lines: string[] = [];
  for (const [from, targets] of [...edges].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const to of [...targets].sort()) {
      if (!reachesOver(edges, from, to)) lines.push(`  ${nodeOf(from)} --> ${nodeOf(to)}`);
    }
  }
  return ["```mermaid", "flowchart TD", ...lines, "```"].join("\n");
}

const nodeOf = (room: string): string => `${room.replace(/[/.]/g, "-")}["${room}"]`;
