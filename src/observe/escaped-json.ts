// What JSON leaves as it is, and a terminal or a reader of lines might act on: DEL, C1 controls, line separators, marks of direction.
const STILL_CONTROLS = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON in one line of text without any control character. */
export function escapedJson(value: unknown): string {
  const hex = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(STILL_CONTROLS, hex);
}
