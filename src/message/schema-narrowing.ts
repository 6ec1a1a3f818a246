import { pointed } from "./json-pointer.ts";
import type { JsonSchema } from "./json-schema.ts";

/** One way in which a schema takes less than another. */
export interface Narrowing {
  /** Where in the value; `[]` for the items of an array, `{}` for the values of a map. */
  readonly path: readonly string[];
  readonly kind: "required" | "closed" | "removed" | "type" | "enum" | "limit" | "pattern" | "schema";
  /** What of it: a property, a type, a value, a keyword. */
  readonly detail: string;
}

const LOWER = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"];
const UPPER = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"];
/** Keywords that are only compared as they stand. */
const OPAQUE = [
  "allOf",
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "propertyNames",
  "patternProperties",
  "contains",
  "unevaluatedProperties",
  "unevaluatedItems",
  "uniqueItems",
  "multipleOf",
];
/** One object for every absent schema, so that meeting it again is recognised. */
const ANYTHING: JsonSchema = Object.freeze({});
const ALL_TYPES = ["string", "number", "boolean", "null", "array", "object"];

type Node = JsonSchema | boolean | undefined;

/** What a value may be that fits `from` and not `to`; empty where `to` takes all that `from` takes. Where it cannot be told, it counts. */
export function narrowings(from: JsonSchema, to: JsonSchema): Narrowing[] {
  const found: Narrowing[] = [];
  new Comparison({ from, to, underWay: new Map() }, found).compare(from, to, []);
  return found;
}

interface Whole {
  readonly from: JsonSchema;
  readonly to: JsonSchema;
  /** Pairs being compared: a recursive schema that meets itself again has nothing new to say. */
  readonly underWay: Map<JsonSchema, Set<JsonSchema>>;
}

class Comparison {
  readonly #whole: Whole;
  readonly #found: Narrowing[];

  constructor(whole: Whole, found: Narrowing[]) {
    this.#whole = whole;
    this.#found = found;
  }

  compare(fromNode: Node, toNode: Node, path: readonly string[]): void {
    if (fromNode === false || toNode === true || toNode === undefined) return;
    if (toNode === false) return this.#add(path, "schema", "any value");
    const from = resolve(fromNode === true ? undefined : fromNode, this.#whole.from);
    const to = resolve(toNode, this.#whole.to);
    const others = this.#whole.underWay.get(from) ?? new Set();
    if (others.has(to)) return;
    this.#whole.underWay.set(from, others.add(to));
    this.#parts(from, to, path);
    others.delete(to);
  }

  #parts(from: JsonSchema, to: JsonSchema, path: readonly string[]): void {
    if (this.#alternatives(from, to, path)) return;
    this.#values(from, to, path);
    const both = (type: string): boolean => types(from).includes(type) && types(to).includes(type);
    if (both("object")) this.#objects(from, to, path);
    if (both("array")) this.#arrays(from, to, path);
    for (const keyword of OPAQUE) {
      if (to[keyword] !== undefined && text(from[keyword]) !== text(to[keyword])) this.#add(path, "schema", keyword);
    }
  }

  #add(path: readonly string[], kind: Narrowing["kind"], detail: string): void {
    this.#found.push({ path, kind, detail });
  }

  /** Each alternative must be taken by one of the other side's. */
  #alternatives(from: JsonSchema, to: JsonSchema, path: readonly string[]): boolean {
    const fromAll = branches(from);
    const toAll = branches(to);
    if (fromAll === undefined && toAll === undefined) return false;
    const choices = toAll ?? [to];
    for (const branch of fromAll ?? [from]) {
      const taken = choices.some((choice) => {
        const missed: Narrowing[] = [];
        new Comparison(this.#whole, missed).compare(branch, choice, path);
        return missed.length === 0;
      });
      if (!taken) this.#add(path, "schema", `the alternative ${text(branch).slice(0, 80)}`);
    }
    return true;
  }

  #values(from: JsonSchema, to: JsonSchema, path: readonly string[]): void {
    const allowed = types(to);
    const lost = types(from).filter(
      (type) => !allowed.includes(type) && !(type === "integer" && allowed.includes("number")),
    );
    if (lost.length > 0) this.#add(path, "type", lost.join(", "));
    const taken = values(to)?.map(text);
    const given = values(from)?.map(text);
    if (taken && !given) this.#add(path, "enum", "any other value");
    for (const value of given ?? []) if (taken && !taken.includes(value)) this.#add(path, "enum", value);
    for (const keyword of LOWER) this.#limit(keyword, path, from, to, (before, now) => now > before);
    for (const keyword of UPPER) this.#limit(keyword, path, from, to, (before, now) => now < before);
    if (to["pattern"] !== undefined && from["pattern"] !== to["pattern"])
      this.#add(path, "pattern", String(to["pattern"]).slice(0, 80));
  }

  #limit(
    keyword: string,
    path: readonly string[],
    from: JsonSchema,
    to: JsonSchema,
    isStricter: (before: number, now: number) => boolean,
  ): void {
    const now = to[keyword];
    const before = from[keyword];
    if (typeof now !== "number") return;
    if (typeof before !== "number" || isStricter(before, now)) this.#add(path, "limit", `${keyword} ${now}`);
  }

  #objects(from: JsonSchema, to: JsonSchema, path: readonly string[]): void {
    const before = from.properties ?? {};
    const now = to.properties ?? {};
    const always = new Set(from.required ?? []);
    for (const name of to.required ?? []) if (!always.has(name)) this.#add([...path, name], "required", name);
    const others = to["additionalProperties"] as Node;
    for (const name of Object.keys(before)) {
      if (Object.hasOwn(now, name)) this.compare(before[name], now[name], [...path, name]);
      else if (others === false) this.#add([...path, name], "removed", name);
      else this.compare(before[name], others, [...path, name]);
    }
    const open = from["additionalProperties"] as Node;
    if (others === false && open !== false) this.#add(path, "closed", "other properties");
    else if (typeof open === "object" || (typeof others === "object" && from.properties !== undefined))
      this.compare(open, others, [...path, "{}"]);
  }

  #arrays(from: JsonSchema, to: JsonSchema, path: readonly string[]): void {
    const before = (from["prefixItems"] ?? []) as readonly Node[];
    const now = (to["prefixItems"] ?? []) as readonly Node[];
    for (let at = 0; at < Math.max(before.length, now.length); at++) {
      this.compare(before[at] ?? from.items, now[at] ?? to.items, [...path, String(at)]);
    }
    if (to.items !== undefined) this.compare(from.items, to.items, [...path, "[]"]);
  }
}

function branches(schema: JsonSchema): readonly Node[] | undefined {
  return (schema["anyOf"] ?? schema["oneOf"]) as readonly Node[] | undefined;
}

function types(schema: JsonSchema): readonly string[] {
  if (schema.type === undefined) return ALL_TYPES;
  return typeof schema.type === "string" ? [schema.type] : schema.type;
}

function values(schema: JsonSchema): readonly unknown[] | undefined {
  return "const" in schema ? [schema.const] : schema.enum;
}

function resolve(node: JsonSchema | undefined, root: JsonSchema): JsonSchema {
  let current = node ?? ANYTHING;
  for (let turn = 0; typeof current["$ref"] === "string" && turn < 100; turn++) {
    const target = pointed(root, current["$ref"]);
    if (typeof target !== "object" || target === null) return ANYTHING;
    current = target as JsonSchema;
  }
  return current;
}

/** JSON with sorted keys, so that order and comments make no difference. */
function text(value: unknown): string {
  return (
    JSON.stringify(value, (key, item: unknown) => {
      if (key === "description" || key === "title" || key === "examples") return undefined;
      if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
      return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ""
  );
}
