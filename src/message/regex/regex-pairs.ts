import type { RegexPart } from "./regex-parts.ts";

/** Whether this engine also searches between the two halves of a surrogate pair, where the standard has no place. */
const SEARCHES_IN_PAIRS = /(?<!^)(?!$)/u.test("\u{1f600}");

const PAIR = /[\ud800-\udbff][\udc00-\udfff]/;

/** Whether a text has a surrogate pair. */
export function hasPair(text: string): boolean {
  return PAIR.test(text);
}

/** Whether the engine finds an expression between the halves of any pair: no character of it can be taken there. */
export function isFoundInPairs(part: RegexPart): boolean {
  return SEARCHES_IN_PAIRS && holds(part);
}

function holds(part: RegexPart): boolean {
  switch (part.kind) {
    case "character":
      return false;
    case "sequence":
      return part.parts.every(holds);
    case "choice":
      return part.options.some(holds);
    case "repeat":
      return part.min === 0 || holds(part.part);
    case "assertion":
      return part.at === "no boundary";
    case "look":
      return holds(part.part) !== part.negative;
  }
}
