import type { Issues, Path } from "./issues.ts";
import { DEEPEST, putKey, Unreadable } from "./text-value.ts";

const BLANK = /[ \t\r\n]*/y;
const WORD = /[-+\w.]+/y;

/**
 * Reads JSON and remembers the line of each value: `JSON.parse` takes a key twice, and its errors quote the text, which
 * may hold secrets. @throws Unreadable
 */
export function parseJson(text: string, issues: Issues): unknown {
  const reader = new JsonReader(text, issues);
  return reader.document();
}

class JsonReader {
  readonly #text: string;
  readonly #issues: Issues;
  #at = 0;
  #line = 1;

  constructor(text: string, issues: Issues) {
    this.#text = text;
    this.#issues = issues;
  }

  document(): unknown {
    const value = this.#value([]);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#fault("there is something after its end");
    return value;
  }

  #value(path: Path): unknown {
    this.#skip();
    this.#issues.at(path, this.#line);
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first !== "{" && first !== "[") return this.#word();
    if (path.length >= DEEPEST)
      throw new Unreadable(`is nested deeper than ${DEEPEST} levels`, { line: this.#line, path });
    this.#at++;
    return first === "{" ? this.#object(path) : this.#list(path);
  }

  #object(path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    if (this.#takes("}")) return object;
    do {
      this.#skip();
      const line = this.#line;
      if (this.#text[this.#at] !== '"') throw this.#fault("a key in double quotes is missing");
      const inner = [...path, this.#string()];
      if (!this.#takes(":")) throw this.#fault("a colon is missing");
      putKey(object, { path: inner, line, value: this.#value(inner) }, this.#issues);
    } while (this.#takes(","));
    if (!this.#takes("}")) throw this.#fault("a comma or } is missing");
    return object;
  }

  #list(path: Path): unknown[] {
    const list: unknown[] = [];
    if (this.#takes("]")) return list;
    do list.push(this.#value([...path, list.length]));
    while (this.#takes(","));
    if (!this.#takes("]")) throw this.#fault("a comma or ] is missing");
    return list;
  }

  #string(): string {
    const from = this.#at++;
    for (; this.#text[this.#at] !== '"'; this.#at += this.#text[this.#at] === "\\" ? 2 : 1)
      if (this.#at >= this.#text.length) throw this.#fault("a text has no end");
    this.#at++;
    return this.#scalar(from) as string;
  }

  #word(): unknown {
    const from = this.#at;
    WORD.lastIndex = from;
    if (!WORD.test(this.#text)) throw this.#fault("a value is missing");
    this.#at = WORD.lastIndex;
    return this.#scalar(from);
  }

  #scalar(from: number): unknown {
    try {
      return JSON.parse(this.#text.slice(from, this.#at));
    } catch {
      throw this.#fault("a value cannot be read");
    }
  }

  #takes(sign: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    BLANK.lastIndex = this.#at;
    BLANK.test(this.#text);
    for (; this.#at < BLANK.lastIndex; this.#at++) if (this.#text[this.#at] === "\n") this.#line++;
  }

  #fault(what: string): Unreadable {
    return new Unreadable(`is not valid JSON: ${what}`, { line: this.#line });
  }
}
