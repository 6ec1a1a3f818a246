import { AgentwireError } from "../errors.ts";
import { escapeSegment, unescapeSegment } from "./channel-escape.ts";
import { checkName } from "./name.ts";

/** The parameters of a channel template: `"direction" | "session"` for `"payments.{direction}.{session}"`. */
export type ChannelParameters<T extends string> = string extends T
  ? string
  : T extends `${string}{${infer P}}${infer Rest}`
    ? P | ChannelParameters<Rest>
    : never;

type Values<T extends string> = { readonly [P in ChannelParameters<T>]: string };

/** The names of a family of channels, made from one template. */
export interface ChannelTemplate<T extends string = string> {
  readonly template: T;
  /** The channel of these values; any text can be a value. @throws NAME_INVALID when the name becomes longer than 128 bytes, ARGUMENT_INVALID */
  format(values: Values<T>): string;
  /** The values of a channel; undefined for a name that the template does not give. */
  parse(name: string): Values<T> | undefined;
  /** The channel that differs from another one in these values: the response channel of a request channel. @throws ARGUMENT_INVALID for a name that the template does not give, NAME_INVALID */
  with(name: string, values: Partial<Values<T>>): string;
  /** The pattern that matches all channels of the template, or those with the given values. @throws ARGUMENT_INVALID */
  pattern(values?: Partial<Values<T>>): string;
}

type Part = { readonly fixed: string } | { readonly parameter: string };

/**
 * Makes a template of channel names: segments of letters, digits, `_` and `-`, separated by dots, or `{parameter}`.
 * Other characters in a value are escaped, so that no value changes the shape of a name.
 * @throws NAME_INVALID
 */
export function channel<const T extends string>(template: T): ChannelTemplate<T> {
  const parts = partsOf(template);
  const valueOf = (values: Readonly<Record<string, string | undefined>>, name: string): string | undefined =>
    Object.hasOwn(values, name) ? values[name] : undefined;
  const format = (values: Readonly<Record<string, string | undefined>>): string => {
    const segments = parts.map((part) =>
      "fixed" in part ? part.fixed : escaped(template, part.parameter, valueOf(values, part.parameter)),
    );
    return checkName(segments.join("."), "channel");
  };
  const parse = (name: string): Values<T> | undefined => {
    const segments = name.split(".");
    if (segments.length !== parts.length) return undefined;
    const values: [string, string][] = [];
    for (const [at, part] of parts.entries()) {
      const segment = segments[at] as string;
      if ("fixed" in part) {
        if (segment !== part.fixed) return undefined;
      } else {
        const value = unescapeSegment(segment);
        if (value === undefined) return undefined;
        values.push([part.parameter, value]);
      }
    }
    return Object.fromEntries(values) as Values<T>;
  };
  return {
    template,
    format,
    parse,
    with: (name, values) => {
      const own = parse(name);
      if (own !== undefined) return format({ ...own, ...values });
      throw new AgentwireError("ARGUMENT_INVALID", `Channel template "${template}" does not give "${name}"`);
    },
    pattern: (values = {}) =>
      parts
        .map((part) => {
          if ("fixed" in part) return part.fixed;
          const value = valueOf(values, part.parameter);
          return value === undefined ? "*" : escaped(template, part.parameter, value);
        })
        .join("."),
  };
}

function escaped(template: string, parameter: string, value: unknown): string {
  if (typeof value === "string") return escapeSegment(value);
  throw new AgentwireError("ARGUMENT_INVALID", `Channel template "${template}" needs a string for {${parameter}}`);
}

function partsOf(template: string): Part[] {
  checkName(
    typeof template === "string" && template.replaceAll(/\{([A-Za-z][A-Za-z0-9_]*)\}/g, "$1"),
    "channel template",
  );
  const parts = template.split(".").map((segment): Part => {
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (parameter !== undefined) return { parameter };
    if (!segment.includes("{")) return { fixed: segment };
    throw new AgentwireError(
      "NAME_INVALID",
      `In channel template "${template}" a parameter must be a whole segment, not "${segment}"`,
    );
  });
  const parameters = parts.flatMap((part) => ("parameter" in part ? [part.parameter] : []));
  if (new Set(parameters).size < parameters.length) {
    throw new AgentwireError("NAME_INVALID", `Channel template "${template}" names a parameter twice`);
  }
  return parts;
}
