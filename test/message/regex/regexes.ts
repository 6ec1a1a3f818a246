import fc from "fast-check";

const CHARACTERS = [..."abAZ09_- \n.é·ſK\u2028中😀😁", "\ud83d", "\ude00"];
const WRITTEN: readonly string[] = [
  ...[..."abAZ09_- é中😀"],
  ..."\\. \\/ \\\\ \\n \\t \\x61 \\u0062 \\u{1f600} \\ud83d\\ude00 \\ud83d \\ude00 \\cJ \\0".split(" "),
  ..."\\d \\D \\w \\W \\s \\S . \\p{L} \\P{Lu} \\p{Script=Han}".split(" "),
  ..."[ab] [a-z] [^a-z] [^] [] [\\w-] [^\\s\\d] [\\p{L}0-9] [😀-😂] [\\]a] [\\b-b] [^\\ud83d] [\\u{1f600}é]".split(" "),
];

const lazily = <T extends string>(sign: fc.Arbitrary<T>): fc.Arbitrary<string> =>
  fc.tuple(sign, fc.constantFrom("", "?")).map((parts) => parts.join(""));

const REPEATS = lazily(
  fc.oneof(
    fc.constantFrom("*", "+", "?"),
    fc.nat(3).map((count) => `{${count}}`),
    fc.nat(3).map((count) => `{${count},}`),
    fc.tuple(fc.nat(3), fc.nat(4)).map(([min, more]) => `{${min},${min + more}}`),
  ),
);

const { pattern } = fc.letrec<{ pattern: string; term: string; group: string; look: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.array(tie("term"), { maxLength: 4 }).map((terms) => terms.join("")),
    fc.array(tie("pattern"), { minLength: 2, maxLength: 3 }).map((options) => options.join("|")),
  ),
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...WRITTEN),
    fc.constantFrom("^", "$", "\\b", "\\B"),
    fc.tuple(fc.oneof(fc.constantFrom(...WRITTEN), tie("group")), REPEATS).map((parts) => parts.join("")),
    tie("group"),
    tie("look"),
  ),
  group: fc.tuple(fc.constantFrom("(", "(?:"), tie("pattern")).map(([open, inner]) => `${open}${inner})`),
  look: fc
    .tuple(fc.constantFrom("(?=", "(?!", "(?<=", "(?<!"), tie("pattern"))
    .map(([open, inner]) => `${open}${inner})`),
}));

/** Regular expressions of all kinds, but for references back and more looks than can be kept. */
export const anyRegex: fc.Arbitrary<string> = pattern.filter(
  (source) => source.length < 120 && !/\\0\d/.test(source) && source.split(/\(\?<?[=!]/).length <= 9,
);

const COUNTED = fc
  .tuple(fc.constantFrom(..."ab-.", "[ab]", "[^-]", "(?:a-?)", "(?:b|ab)"), fc.nat(40), fc.nat(40))
  .map(([part, min, more]) => `${part}{${min},${min + more}}`);

/** Regular expressions with large counts. */
export const countedRegex: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("", "^", "-", "(?<=a)"),
    COUNTED,
    fc.constantFrom("", "-", "\\b"),
    COUNTED,
    fc.constantFrom("", "$", "(?=b)"),
  )
  .map((parts) => parts.join(""));

/** Texts for those. */
export const longText: fc.Arbitrary<string> = fc
  .array(fc.constantFrom("a", "b", "-", "aaaaaaaa", "abababab"), { maxLength: 24 })
  .map((parts) => parts.join(""));

/** Texts made of the characters that those tell apart. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...CHARACTERS), { maxLength: 12 })
  .map((characters) => characters.join(""));
