// An escape is `_x`, the UTF-16 units as four hex digits each, and `_`: user@example becomes user_x0040_example.
const ESCAPE = /_x((?:[0-9A-F]{4})*)_/g;
const WELL_FORMED = /^(?:[A-Za-z0-9-]|_(?!x)|_x(?:[0-9A-F]{4})*_)+$/;

/** Writes any text as one segment of a channel name; {@link unescapeSegment} gives it back. Plain segments stay as they are. */
export function escapeSegment(text: string): string {
  if (text === "") return "_x_";
  return text.replaceAll(/_(?=x)|[^A-Za-z0-9_-]+/g, (part) => `_x${hex(part)}_`);
}

/** Reads a segment of a channel name; undefined for one that {@link escapeSegment} cannot have written. */
export function unescapeSegment(segment: string): string | undefined {
  if (!WELL_FORMED.test(segment)) return undefined;
  const text = segment.replaceAll(ESCAPE, (_, units: string) =>
    String.fromCharCode(...(units.match(/.{4}/g) ?? []).map((unit) => Number.parseInt(unit, 16))),
  );
  // One text has one name: `_x0061_` for a plain "a" would be a second.
  return escapeSegment(text) === segment ? text : undefined;
}

function hex(text: string): string {
  let digits = "";
  for (let at = 0; at < text.length; at++) digits += text.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  return digits;
}
