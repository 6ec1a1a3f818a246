import type { RegexPart } from "../../../src/message/regex/regex-parts.ts";

interface Place {
  readonly text: readonly string[];
  readonly backwards: boolean;
}

/** Tests a text as an engine that tries one way after the other does, by the book, and counts what it tries. */
export function backtrack(part: RegexPart, text: string): { found: boolean; steps: number } {
  const characters = [...text];
  let steps = 0;

  const isWord = (at: number): boolean => /^\w$/.test(characters[at] ?? "");

  const match = (part: RegexPart, at: number, place: Place, then: (at: number) => boolean): boolean => {
    switch (part.kind) {
      case "character": {
        steps++;
        const character = place.text[place.backwards ? at - 1 : at];
        if (character === undefined || !new RegExp(`^(?:${part.source})$`, "u").test(character)) return false;
        return then(place.backwards ? at - 1 : at + 1);
      }
      case "sequence": {
        const parts = place.backwards ? part.parts.toReversed() : part.parts;
        const from = (index: number, at: number): boolean => {
          const item = parts[index];
          return item === undefined ? then(at) : match(item, at, place, (next) => from(index + 1, next));
        };
        return from(0, at);
      }
      case "choice":
        steps += part.options.length - 1;
        return part.options.some((option) => match(option, at, place, then));
      case "repeat":
        return repeat(part, 0, at, place, then);
      case "assertion": {
        steps++;
        const holds = {
          start: at === 0,
          end: at === characters.length,
          boundary: isWord(at - 1) !== isWord(at),
          "no boundary": isWord(at - 1) === isWord(at),
        };
        return holds[part.at] && then(at);
      }
      case "look": {
        steps++;
        const found = match(part.part, at, { ...place, backwards: part.behind }, () => true);
        return found !== part.negative && then(at);
      }
    }
  };

  const repeat = (
    part: Extract<RegexPart, { kind: "repeat" }>,
    count: number,
    at: number,
    place: Place,
    then: (at: number) => boolean,
  ): boolean => {
    if (count === part.max) return then(at);
    const more = (): boolean =>
      match(part.part, at, place, (next) => {
        if (next === at && count >= part.min) return false;
        return repeat(part, count + 1, next, place, then);
      });
    if (count < part.min) return more();
    steps++;
    return more() || then(at);
  };

  for (let at = 0; at <= characters.length; at++)
    if (match(part, at, { text: characters, backwards: false }, () => true)) return { found: true, steps };
  return { found: false, steps };
}
