/**
 * Whether two characters of a pattern, given by their place in `characters`, can take the same one; tried out on a
 * sample of all characters and the pattern's own.
 */
export function characterOverlap(pattern: {
  readonly characters: readonly string[];
  readonly source: string;
  readonly flags: string;
}): (a: number, b: number) => boolean {
  const { characters, source, flags } = pattern;
  const samples = samplesFor(source);
  const usable = flags.replaceAll(/[gy]/g, "");
  const taken = characters.map((character) => {
    const expression = new RegExp(`^(?:${character})$`, usable);
    return samples.map((sample) => expression.test(sample));
  });
  const known = new Map<number, boolean>();
  return (a, b) => {
    const key = a * characters.length + b;
    let both = known.get(key);
    if (both === undefined) {
      const others = taken[b] as boolean[];
      both = (taken[a] as boolean[]).some((takes, at) => takes && others[at]);
      known.set(key, both);
    }
    return both;
  };
}

function samplesFor(source: string): string[] {
  const points = new Set(Array.from({ length: 0x180 }, (_, point) => point));
  for (const character of "\u2028\ufeff\u0300Ωж\u05d0٠中あ가€\ue000😀") points.add(character.codePointAt(0) as number);
  const written = [...source].map((character) => character.codePointAt(0) as number);
  const escaped = [...source.matchAll(/\\(?:u\{([\da-fA-F]+)\}|u([\da-fA-F]{4})|x([\da-fA-F]{2}))/g)].map((found) =>
    Number.parseInt((found[1] ?? found[2] ?? found[3]) as string, 16),
  );
  for (const point of [...written, ...escaped])
    for (const near of [point - 1, point, point + 1]) if (near >= 0 && near <= 0x10ffff) points.add(near);
  return [...points].map((point) => String.fromCodePoint(point));
}
