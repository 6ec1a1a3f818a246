import type { AnyAgentDefinition } from "../agent/definition.ts";
import { checkName } from "../message/name.ts";
import type { PlainFields } from "./agent-config.ts";
import type { Issues, Path } from "./issues.ts";
import { PLAIN_FIELDS } from "./plain-fields.ts";
import { isObject, object, plainObject, type Readers, text, textThat, unfit, unknownName } from "./read-value.ts";

/** One agent of a configuration file, read and checked. */
export interface Entry {
  readonly name: string;
  readonly path: Path;
  /** As the file has it: two entries with the same source make the same agent. */
  readonly source: unknown;
  /** A definition that a module exports, or what a factory is to make. */
  readonly plan: AnyAgentDefinition | FactoryPlan;
}

/** What a factory is to make, and what of it is replaced. */
export interface FactoryPlan {
  readonly factory: string;
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly fields: PlainFields;
}

type Written = PlainFields & {
  readonly name: string;
  readonly factory?: string;
  readonly options?: Readonly<Record<string, unknown>>;
};

const WRITTEN: Readers<Written> = {
  ...PLAIN_FIELDS,
  name: textThat((name) => checkName(name, "agent")),
  factory: text,
  options: plainObject,
};
const writtenAgent = object<Written>(WRITTEN, ["name"]);

/** Reads the agents of a configuration: the value is one agent, or has a list of them as `agents`. Sound ones are returned beside the faults. */
export function readEntries(root: unknown, factories: readonly string[], issues: Issues): Entry[] {
  if (!isObject(root)) {
    unfit(root, "an agent, or an object with a list of agents as `agents`", [], issues);
    return [];
  }
  if (isDefinition(root) || !Object.hasOwn(root, "agents")) return readEntry(root, [], factories, issues);
  for (const key of Object.keys(root)) if (key !== "agents") issues.add([key], unknownName("key", key, ["agents"]));
  if (!Array.isArray(root["agents"])) {
    unfit(root["agents"], "a list", ["agents"], issues);
    return [];
  }
  const entries = root["agents"].flatMap((value: unknown, at) => readEntry(value, ["agents", at], factories, issues));
  return withoutTwins(entries, issues);
}

/** Whether a value is what `defineAgent` returns. */
export function isDefinition(value: unknown): value is AnyAgentDefinition {
  return typeof value === "object" && value !== null && "~parts" in value;
}

function readEntry(value: unknown, path: Path, factories: readonly string[], issues: Issues): Entry[] {
  if (isDefinition(value)) return [{ name: value.name, path, source: value, plan: value }];
  const before = issues.count;
  const written = writtenAgent(value, path, issues);
  const given = isObject(value) ? value["factory"] : undefined;
  const factory = typeof given === "string" ? given : "default";
  // An object that is no agent at all is told so once.
  if (isObject(value) && !factories.includes(factory)) issues.add([...path, "factory"], noFactory(given, factories));
  if (!written || issues.count > before) return [];
  const { name, factory: _, options, ...fields } = written;
  return [{ name, path, source: value, plan: { factory, options, fields } }];
}

function noFactory(given: unknown, factories: readonly string[]): string {
  const known = factories.length === 0 ? "none were passed" : `there are ${factories.join(", ")}`;
  if (given === undefined) return `is missing, and no factory is named "default"; ${known}`;
  return `${unknownName("factory", String(given), factories)}; ${known}`;
}

function withoutTwins(entries: readonly Entry[], issues: Issues): Entry[] {
  const places = new Map<string, number>();
  return entries.filter(({ name, path }) => {
    const at = Number(path.at(-1));
    const first = places.get(name);
    if (first !== undefined) issues.add([...path, "name"], `"${name}" is also the name of agents[${first}]`);
    else places.set(name, at);
    return first === undefined;
  });
}
