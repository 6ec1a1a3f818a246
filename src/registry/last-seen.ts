import type { Store } from "../store/store.ts";

/** One value for all agents: it is written a few times in the life of a process. */
const KEY = "seen/agents";
/** Agents not seen for so long are left out; nobody asks for longer. */
const KEPT = 90 * 24 * 60 * 60_000;

type Times = Readonly<Record<string, number>>;

/** When each agent was last seen, to the hour, for the time after its presence has vanished. */
export class LastSeen {
  readonly #store: Pick<Store, "get" | "put">;

  constructor(store: Pick<Store, "get" | "put">) {
    this.#store = store;
  }

  /** Wall times by agent. */
  async read(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries(timesIn((await this.#store.get(KEY))?.value)));
  }

  /** Notes that these agents are seen at a wall time. */
  async note(agents: readonly string[], now: number): Promise<void> {
    for (;;) {
      const entry = await this.#store.get(KEY);
      const times = new Map(Object.entries(timesIn(entry?.value)).filter(([, at]) => at > now - KEPT));
      for (const agent of agents) times.set(agent, Math.max(now, times.get(agent) ?? 0));
      const revision = await this.#store.put(KEY, Object.fromEntries(times), { ifRevision: entry?.revision ?? 0 });
      if (revision !== undefined) return;
    }
  }
}

function timesIn(value: unknown): Times {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, at]) => Number.isFinite(at))) as Times;
}
