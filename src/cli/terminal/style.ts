import { styleText } from "node:util";

/** Colours for headings and marks; plain text where they are not wanted. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly note: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

/** The style for a stream: colours only on a terminal, and never with `NO_COLOR` set or `TERM=dumb`. */
export function styleFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Style {
  const coloured = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const with_ = (format: Format) => (text: string) => (coloured ? styleText(format, text) : text);
  return { bold: with_("bold"), dim: with_("dim"), good: with_("green"), bad: with_("red"), note: with_("yellow") };
}
