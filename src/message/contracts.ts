import { type Compiled, compiled } from "./compiled.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { MessageType } from "./message-type.ts";
import { type Narrowing, narrowings } from "./schema-narrowing.ts";

/** A message type as others see it: plain JSON. */
export interface Contract {
  readonly version: number;
  readonly description?: string;
  readonly payload: JsonSchema;
  readonly reply?: JsonSchema;
  readonly chunk?: JsonSchema;
}

/** What a program promises to others: message types and, by agent, what it takes and sends. Plain JSON, to be saved as a snapshot. */
export interface Contracts {
  readonly types: Readonly<Record<string, Contract>>;
  readonly agents: Readonly<
    Record<string, { readonly receives: readonly string[]; readonly sends: readonly string[] }>
  >;
}

/** One difference between two contracts. */
export interface ContractChange {
  /** The type or agent, with the path in its payload, reply or chunk. */
  readonly where: string;
  /** Whether programs written against the saved contract can fail. */
  readonly breaking: boolean;
  /** What changed, in a sentence without its end. */
  readonly change: string;
}

/** An agent as its contract is taken from. */
export interface ContractedAgent {
  readonly name: string;
  readonly receives: readonly MessageType[];
  readonly sends: readonly MessageType[];
}

/** Writes down the contracts of message types and agents; types of agents are included. @throws SCHEMA_INVALID when a schema cannot be written as JSON Schema */
export function contractsOf(parts: {
  readonly types?: readonly MessageType[];
  readonly agents?: readonly ContractedAgent[];
}): Contracts {
  const { types = [], agents = [] } = parts;
  const all = [...types, ...agents.flatMap((agent) => [...agent.receives, ...agent.sends])];
  const names = (list: readonly MessageType[]): string[] => [...new Set(list.map((type) => type.name))].sort();
  return {
    types: byName(all.map((type) => [type.name, contractOf(type)])),
    agents: byName(agents.map((agent) => [agent.name, { receives: names(agent.receives), sends: names(agent.sends) }])),
  };
}

/** Compares contracts with a saved snapshot, breaking changes first. A raised version covers the payload: `upcast` or a handler deals with older ones. */
export function compareContracts(saved: Contracts, current: Contracts): ContractChange[] {
  const changes: ContractChange[] = [];
  const add = (where: string, breaking: boolean, change: string): void =>
    void changes.push({ where, breaking, change });
  eachName(saved.types, current.types, (name, before, now) => {
    if (!now) return add(name, true, "the message type was removed");
    if (!before) return add(name, false, "the message type is new");
    if (now.version < before.version) add(name, true, `the version went back from ${before.version} to ${now.version}`);
    if (now.version > before.version)
      add(name, false, `the version was raised from ${before.version} to ${now.version}`);
    const covered = now.version > before.version;
    for (const narrowing of narrowings(before.payload, now.payload))
      add(placeIn(name, "payload", narrowing), !covered, TAKEN[narrowing.kind](narrowing.detail));
    for (const part of ["reply", "chunk"] as const) compareAnswer(name, part, before[part], now[part], add);
  });
  eachName(saved.agents, current.agents, (name, before, now) => {
    if (!now) return add(name, true, "the agent was removed");
    if (!before) return add(name, false, "the agent is new");
    for (const type of before.receives)
      if (!now.receives.includes(type)) add(name, true, `the agent no longer takes ${type}`);
    for (const type of now.receives)
      if (!before.receives.includes(type)) add(name, false, `the agent now takes ${type}`);
    for (const type of before.sends)
      if (!now.sends.includes(type)) add(name, false, `the agent no longer sends ${type}`);
    for (const type of now.sends) if (!before.sends.includes(type)) add(name, false, `the agent now sends ${type}`);
  });
  return changes.sort((a, b) => Number(b.breaking) - Number(a.breaking));
}

type Sentences = Readonly<Record<Narrowing["kind"], (detail: string) => string>>;

/** What senders no longer may send. */
const TAKEN: Sentences = {
  required: (name) => `"${name}" is now required`,
  removed: (name) => `"${name}" is no longer allowed`,
  closed: () => "other properties are no longer allowed",
  type: (types) => `no longer takes ${types}`,
  enum: (value) => `no longer takes ${value}`,
  limit: (limit) => `has a stricter limit: ${limit}`,
  pattern: (pattern) => `must now match ${pattern}`,
  schema: (keyword) => `may no longer take ${keyword}`,
};

/** What readers may now meet. */
const GIVEN: Sentences = {
  required: (name) => `"${name}" is no longer always there`,
  removed: (name) => `"${name}" is new, and readers refuse unknown properties`,
  closed: () => "may have properties that readers refuse",
  type: (types) => `can now be ${types}`,
  enum: (value) => `can now be ${value}`,
  limit: (limit) => `no longer keeps the limit ${limit}`,
  pattern: (pattern) => `need no longer match ${pattern}`,
  schema: (keyword) => `may now give ${keyword}`,
};

function compareAnswer(
  name: string,
  part: "reply" | "chunk",
  before: JsonSchema | undefined,
  now: JsonSchema | undefined,
  add: (where: string, breaking: boolean, change: string) => void,
): void {
  if (!before && now) return add(`${name} ${part}`, false, `a ${part} is now declared`);
  if (before && !now) return add(`${name} ${part}`, true, `the ${part} was removed`);
  if (!before || !now) return;
  for (const narrowing of narrowings(now, before))
    add(placeIn(name, part, narrowing), true, GIVEN[narrowing.kind](narrowing.detail));
  for (const path of lostProperties(before, now)) add(`${name} ${part}.${path}`, true, "the property was removed");
}

/** Optional properties that are gone: no value is wrong without them, yet programs read them. Required ones are told as no longer always there. */
function lostProperties(before: JsonSchema, now: JsonSchema): string[] {
  const kept = now.properties ?? {};
  return Object.entries(before.properties ?? {}).flatMap(([name, schema]) => {
    const other = kept[name];
    if (other !== undefined) return lostProperties(schema, other).map((path) => `${name}.${path}`);
    return before.required?.includes(name) ? [] : [name];
  });
}

function placeIn(name: string, part: string, narrowing: Narrowing): string {
  return `${name} ${[part, ...narrowing.path].join(".")}`;
}

function contractOf(type: MessageType): Contract {
  const { payload, reply, chunk } = compiled(type);
  const schemaOf = (schema: Compiled): JsonSchema => schema.jsonSchema();
  return {
    version: type.version,
    ...(type.description === undefined ? {} : { description: type.description }),
    payload: schemaOf(payload),
    ...(reply === undefined ? {} : { reply: schemaOf(reply) }),
    ...(chunk === undefined ? {} : { chunk: schemaOf(chunk) }),
  };
}

/** Sorted, so that a snapshot in version control changes only where a contract does. */
function byName<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function eachName<T>(
  saved: Readonly<Record<string, T>>,
  current: Readonly<Record<string, T>>,
  visit: (name: string, before: T | undefined, now: T | undefined) => void,
): void {
  const own = (record: Readonly<Record<string, T>>, name: string): T | undefined =>
    Object.hasOwn(record, name) ? record[name] : undefined;
  for (const name of [...new Set([...Object.keys(saved), ...Object.keys(current)])].sort())
    visit(name, own(saved, name), own(current, name));
}
