import { defineAgent } from "../../agent/definition.ts";
import { ListOddities, OddityNoted } from "./messages.ts";

interface Oddity {
  readonly kind: string;
  readonly subject: string;
  readonly detail: string;
}

/** Keeps what the others find odd. It joins late: its mail is waiting. `since` tells which mail was there before it. */
export function archivist(since: number) {
  const oddities: Oddity[] = [];
  let waiting = 0;
  return defineAgent({
    name: "archivist",
    role: "archivist",
    department: "audit",
    capabilities: ["keep-oddities"],
    description: "Keeps what the others find odd",
  })
    .on(OddityNoted, ({ payload, createdAt }) => {
      if (createdAt < since) waiting++;
      oddities.push(payload);
    })
    .on(ListOddities, () => ({ waiting, oddities }));
}
