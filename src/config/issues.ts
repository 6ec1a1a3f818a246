import { AgentwireError, type ConfigIssue } from "../errors.ts";

/** Where in a configuration: property names and list positions. */
export type Path = readonly (string | number)[];

/** Faults kept at most; the last one then says how many more there are. */
const MOST = 100;
/** Faults written into the text of the error; its details have all that were kept. */
const SHOWN = 8;
const LONGEST_MESSAGE = 200;
const LONGEST_KEY = 60;
/** Deeper values are reported with the line of what they are in. */
const DEEPEST_LINE = 8;
const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** Gathers the faults of one file, and knows on which line each value stands where the format tells. */
export class Issues {
  readonly #found: ConfigIssue[] = [];
  readonly #lines = new Map<string, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Remembers the line of a value. */
  at(path: Path, line: number): void {
    if (path.length <= DEEPEST_LINE) this.#lines.set(pathText(path), line);
  }

  add(path: Path, message: string, line: number | undefined = this.#lineOf(path)): void {
    this.#count++;
    if (this.#found.length >= MOST) return;
    const text = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
    this.#found.push({ path: pathText(path), message: text, ...(line === undefined ? {} : { line }) });
  }

  /** The one error for all faults. */
  error(file: string, cause?: unknown): AgentwireError<"CONFIG_INVALID"> {
    const more = this.#count - this.#found.length;
    const issues = more === 0 ? this.#found : [...this.#found, { path: "", message: `${more} more faults` }];
    const shown = issues.slice(0, SHOWN).map(issueText);
    if (issues.length > SHOWN) shown.push(`and ${this.#count - SHOWN} more`);
    const head = `${file} cannot be used`;
    const text = shown.length === 1 ? `${head}: ${shown[0]}` : `${head}:${shown.map((line) => `\n  ${line}`).join("")}`;
    return new AgentwireError("CONFIG_INVALID", text, { details: { file, issues }, cause });
  }

  #lineOf(path: Path): number | undefined {
    for (let length = path.length; length >= 0; length--) {
      const line = this.#lines.get(pathText(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  }
}

function issueText({ path, line, message }: ConfigIssue): string {
  const place = [path, line === undefined ? "" : `(line ${line})`].filter((part) => part !== "").join(" ");
  return place === "" ? message : `${place}: ${message}`;
}

/** `agents[2].retry.attempts`; names that are no plain words are quoted, so that nothing in a file can change the shape. */
function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!PLAIN_KEY.test(part) || part.length > LONGEST_KEY)
      text += `[${JSON.stringify(part.slice(0, LONGEST_KEY))}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}
