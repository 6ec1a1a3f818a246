import type { CST, Document, LineCounter, Node, Pair, ParsedNode } from "yaml";
import { AgentwireError } from "../errors.ts";
import type { Issues, Path } from "./issues.ts";
import { DEEPEST, putKey, Unreadable } from "./text-value.ts";

/** Values that aliases may repeat in all, so that a few lines cannot stand for a billion. */
const MOST_REPEATED = 10_000;

/** Collections open at once in the parser: a level of nesting takes up to two. */
const MOST_OPEN = 2 * DEEPEST + 4;

type Yaml = typeof import("yaml");

/** Reads one YAML 1.2 document and remembers the line of each value. Needs the package `yaml`. @throws DRIVER_MISSING, Unreadable */
export async function parseYaml(text: string, issues: Issues): Promise<unknown> {
  const yaml = await load();
  const lines = new yaml.LineCounter();
  // Keys are compared here, in linear time; the parser's own texts quote the file, which may hold secrets.
  const composer = new yaml.Composer({ version: "1.2", schema: "core", uniqueKeys: false, stringKeys: true });
  const documents = composer.compose(tokensOf(yaml, text, lines), true, text.length);
  const document = documents.next().value as Document.Parsed;
  if (!documents.next().done) throw new Unreadable("holds more than one document");
  const before = issues.count;
  for (const { code, pos } of [...document.errors, ...document.warnings])
    issues.add([], faultText(code), lines.linePos(pos[0]).line);
  if (issues.count > before) return undefined;
  return new Reading(yaml, issues, (node) => lines.linePos((node as ParsedNode).range?.[0] ?? 0).line).value(
    document.contents,
    [],
  );
}

/** The parser's tokens. What follows recurses, and ends the process where it is nested too deep. */
function* tokensOf(yaml: Yaml, text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new yaml.Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new yaml.Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MOST_OPEN) {
      const { line } = lines.linePos(parser.offset);
      throw new Unreadable(`is nested deeper than ${DEEPEST} levels`, { line });
    }
  }
  yield* parser.end();
}

async function load(): Promise<Yaml> {
  try {
    return await import("yaml");
  } catch (cause) {
    throw new AgentwireError("DRIVER_MISSING", "YAML files need the package yaml: npm install yaml", { cause });
  }
}

function faultText(code: string): string {
  if (code === "TAG_RESOLVE_FAILED") return "a tag is not known: only plain YAML is read";
  return `is not valid YAML: ${code.toLowerCase().replaceAll("_", " ")}`;
}

/** Turns the nodes of a document into plain values. */
class Reading {
  readonly #yaml: Yaml;
  readonly #issues: Issues;
  readonly #lineOf: (node: Node) => number;
  readonly #anchors = new Map<string, Node>();
  #repeating = 0;
  #repeated = 0;

  constructor(yaml: Yaml, issues: Issues, lineOf: (node: Node) => number) {
    this.#yaml = yaml;
    this.#issues = issues;
    this.#lineOf = lineOf;
  }

  value(node: Node | null, path: Path): unknown {
    if (node === null) return null;
    const line = this.#lineOf(node);
    // Inside an alias the lines are those of the anchor.
    if (this.#repeating === 0) this.#issues.at(path, line);
    else if (++this.#repeated > MOST_REPEATED)
      throw new Unreadable(`its aliases repeat more than ${MOST_REPEATED} values`, { line });
    if (this.#yaml.isAlias(node)) return this.#alias(node.source, path, line);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (this.#yaml.isScalar(node)) return node.value;
    if (path.length >= DEEPEST) throw new Unreadable(`is nested deeper than ${DEEPEST} levels`, { line, path });
    if (this.#yaml.isSeq<Node>(node)) return node.items.map((item, at) => this.value(item, [...path, at]));
    return this.#object((node as { items: Pair<Node, Node | null>[] }).items, path);
  }

  #object(pairs: readonly Pair<Node, Node | null>[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const line = this.#lineOf(key);
      if (!this.#yaml.isScalar(key)) {
        this.#issues.add(path, "a key is not plain text", line);
        continue;
      }
      if (key.anchor !== undefined) this.#anchors.set(key.anchor, key);
      const inner = [...path, String(key.value)];
      const read = this.value(value, inner);
      this.#issues.at(inner, line);
      putKey(object, { path: inner, line, value: read }, this.#issues);
    }
    return object;
  }

  #alias(name: string, path: Path, line: number): unknown {
    const node = this.#anchors.get(name);
    if (!node) {
      this.#issues.add(path, "an alias has no anchor before it", line);
      return undefined;
    }
    this.#repeating++;
    const value = this.value(node, path);
    this.#repeating--;
    return value;
  }
}
