import { AgentwireError } from "../errors.ts";
import type { Envelope } from "../message/envelope.ts";
import type { Directory, DirectoryEntry } from "../registry/directory.ts";
import type { AgentStatus, Where } from "../registry/record.ts";
import type { Origin } from "./origin.ts";
import type { Route } from "./route.ts";
import { RouteMemory } from "./route-memory.ts";

/** An address as the dispatcher understands it. */
export type Target =
  | { readonly kind: "agent"; readonly name: string; readonly hold: boolean }
  | { readonly kind: "one"; readonly where: Where }
  | { readonly kind: "channel"; readonly channel: string }
  | { readonly kind: "everyone"; readonly where: Where };

const WEEK = 7 * 24 * 60 * 60 * 1000;
const NOBODY: readonly string[] = [];

/** Lower is preferred: those at work, then those who step back, then those not heard of. */
const PREFERENCE: Readonly<Record<AgentStatus, number>> = {
  online: 0,
  busy: 0,
  away: 1,
  draining: 2,
  stale: 3,
  offline: 4,
};

/** Turns addresses into inboxes, from the directory's present view. */
export class Routing {
  readonly #directory: Directory;
  readonly #now: () => number;
  readonly #remembered = new RouteMemory();
  readonly #lastChosen = new Map<string, number>();
  #choices = 0;

  constructor(directory: Directory, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** @throws AGENT_NOT_FOUND, NO_AGENT_FOUND; FORBIDDEN, PAYLOAD_TOO_LARGE when the agent's declared limits refuse the message */
  resolve(target: Target, message: Pick<Envelope, "type" | "payload">, origin: Origin): Route {
    switch (target.kind) {
      case "agent":
        return this.#toAgent(target.name, target.hold, message);
      case "one":
        return this.#toOne(target.where, message, origin);
      case "channel":
        return this.#toChannel(target.channel, message, origin);
      case "everyone":
        return this.#fanOut(this.#recent(target.where), message, origin);
    }
  }

  /** Remembers who was picked, so that equals take turns. */
  chosen(inbox: string): void {
    this.#lastChosen.set(inbox, ++this.#choices);
  }

  #toAgent(name: string, hold: boolean, message: Pick<Envelope, "type" | "payload">): Route {
    const entry = this.#directory.get(name);
    if (!entry && !hold) {
      const suggestions = this.#directory.suggest(name);
      const near = suggestions.length > 0 ? `; did you mean ${suggestions.join(" or ")}?` : "";
      throw new AgentwireError("AGENT_NOT_FOUND", `No agent named "${name}" is known${near}`, {
        details: { agent: name, suggestions },
      });
    }
    if (entry?.record.limits?.types && !entry.record.limits.types.includes(message.type)) {
      throw new AgentwireError("FORBIDDEN", `Agent "${name}" declares that it takes no ${message.type}`, {
        details: { agent: name, type: message.type },
      });
    }
    if (entry && !fitsSize(entry, message.payload)) {
      const limit = entry.record.limits?.maxSize;
      throw new AgentwireError("PAYLOAD_TOO_LARGE", `Agent "${name}" takes payloads of at most ${limit} bytes`, {
        details: { agent: name, limit },
      });
    }
    return { to: [name], fanOut: false, skipped: NOBODY };
  }

  #toOne(where: Where, message: Pick<Envelope, "type" | "payload">, origin: Origin): Route {
    const fits = this.#directory
      .match(where)
      .filter((entry) => takes(entry, message) && !(origin.isAgent && entry.record.name === origin.name));
    if (fits.length === 0) {
      const filter = Object.entries(where).map(([name, value]) => `${name} "${value}"`);
      const asked = filter.length > 0 ? ` with ${filter.join(" and ")}` : "";
      throw new AgentwireError("NO_AGENT_FOUND", `No agent${asked} takes ${message.type}`, {
        details: { where, type: message.type },
      });
    }
    const best = Math.min(...fits.map((entry) => PREFERENCE[entry.status]));
    const candidates = fits
      .filter((entry) => PREFERENCE[entry.status] === best)
      .map((entry) => ({ inbox: entry.record.name, concurrency: entry.concurrency }))
      .sort((a, b) => (this.#lastChosen.get(a.inbox) ?? 0) - (this.#lastChosen.get(b.inbox) ?? 0));
    return {
      to: candidates.length === 1 && candidates[0] ? [candidates[0].inbox] : { pick: candidates },
      fanOut: false,
      skipped: NOBODY,
    };
  }

  /** Routes of a channel are remembered until the registry changes: a stream of publishes decides the same again and again. */
  #toChannel(channel: string, message: Pick<Envelope, "type" | "payload">, origin: Origin): Route {
    const { revision } = this.#directory;
    const sender = origin.isAgent ? origin.name : "";
    let route = this.#remembered.get(revision, channel, message.type, sender);
    if (route) return route;
    const subscribers = this.#directory.subscribers(channel);
    const limit = this.#directory.limitOf(channel);
    route = this.#fanOut(subscribers, message, origin);
    if (limit !== undefined) route = { ...route, limit };
    if (subscribers.every((entry) => entry.record.limits?.maxSize === undefined))
      this.#remembered.set(revision, channel, message.type, sender, route);
    return route;
  }

  #fanOut(entries: readonly DirectoryEntry[], message: Pick<Envelope, "type" | "payload">, origin: Origin): Route {
    const to: string[] = [];
    let skipped: string[] | undefined;
    for (const entry of entries) {
      const name = entry.record.name;
      if (origin.isAgent && name === origin.name) continue;
      if (takes(entry, message)) to.push(name);
      else (skipped ??= []).push(name);
    }
    return { to, fanOut: true, skipped: skipped ?? NOBODY };
  }

  #recent(where: Where): readonly DirectoryEntry[] {
    const since = this.#now() - WEEK;
    return this.#directory.match(where).filter((entry) => entry.status !== "offline" || entry.lastSeen >= since);
  }
}

/** Whether an agent takes a message of this type and size. */
export function takes(entry: DirectoryEntry, { type, payload }: Pick<Envelope, "type" | "payload">): boolean {
  const types = entry.record.limits?.types;
  return entry.receives.has(type) && (types === undefined || types.includes(type)) && fitsSize(entry, payload);
}

/** Measured only for those who declare a limit. */
function fitsSize({ record }: DirectoryEntry, payload: unknown): boolean {
  const limit = record.limits?.maxSize;
  return limit === undefined || Buffer.byteLength(JSON.stringify(payload)) <= limit;
}
