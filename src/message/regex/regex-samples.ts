/** Where `\s`, `\d`, `\w` and the dot begin or end beyond ASCII. */
const ENDS = [
  0xa0, 0xa1, 0x1680, 0x1681, 0x2000, 0x200b, 0x2028, 0x2029, 0x202a, 0x202f, 0x2030, 0x205f, 0x2060, 0x3000, 0x3001,
  0xfeff, 0xff00,
];

/** A longer regular expression has so many of them that gathering them costs more than they save. */
const LONGEST = 1_000;

/**
 * Characters of which every class that a regular expression tells from others has at least one: those where a part of it
 * can begin or end to take them. Undefined for properties such as `\p{L}`, whose ends are not written,
 * and for a long one.
 */
export function samplePoints(source: string): readonly number[] | undefined {
  if (source.length > LONGEST || /\\p/i.test(source)) return undefined;
  const points = new Set([...Array.from({ length: 0x81 }, (_, point) => point), ...ENDS]);
  const escapes = /\\u\{([\da-f]+)\}|\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|\\[ux]([\da-f]{2,4})/gi;
  const escaped = [...source.matchAll(escapes)].map(([, point, high, low, unit]) =>
    high === undefined
      ? Number.parseInt((point ?? unit) as string, 16)
      : (String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low as string, 16)).codePointAt(0) as number),
  );
  const written = [...source].map((character) => character.codePointAt(0) as number);
  for (const point of [...written, ...escaped]) {
    points.add(point);
    if (point < 0x10ffff) points.add(point + 1);
  }
  return [...points];
}
