/**
 * A text with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced.
 * @throws if the text has no such pair
 */
export function betweenMarkers(text: string, name: string, content: string): string {
  const opening = `<!-- ${name} -->\n`;
  const closing = `<!-- /${name} -->`;
  const from = text.indexOf(opening);
  const to = text.indexOf(closing);
  if (from < 0 || to < from) throw new Error(`The text has no <!-- ${name} --> ... <!-- /${name} -->`);
  return `${text.slice(0, from + opening.length)}${content.trimEnd()}\n${text.slice(to)}`;
}
