/** Colours for headings and marks; plain text where they are not wanted. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly note: (text: string) => string;
}

/** The style for a stream: colours only on a terminal, and never with `NO_COLOR` set or `TERM=dumb`. */
export function styleFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Style {
  const coloured = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  // Node's own styleText asks standard output whether it is a terminal, also for text that goes elsewhere.
  const between = (start: number, end: number) => (text: string) =>
    coloured ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: between(1, 22),
    dim: between(2, 22),
    good: between(32, 39),
    bad: between(31, 39),
    note: between(33, 39),
  };
}
