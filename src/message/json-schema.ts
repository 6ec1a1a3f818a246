/** A JSON Schema, 2020-12. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly [keyword: string]: unknown;
}

type Required<J> = J extends { required: readonly (infer R)[] } ? R : never;
type Simplify<T> = { [K in keyof T]: T[K] } & {};
type Properties<J, P> = Simplify<
  { -readonly [K in keyof P as K extends Required<J> ? K : never]: FromJsonSchema<P[K]> } & {
    -readonly [K in keyof P as K extends Required<J> ? never : K]?: FromJsonSchema<P[K]>;
  }
>;

/** The type that a JSON Schema describes, as far as it can be told from its text: `unknown` beyond that. */
export type FromJsonSchema<J> = J extends { enum: readonly (infer E)[] }
  ? E
  : J extends { const: infer C }
    ? C
    : J extends { type: "string" }
      ? string
      : J extends { type: "number" | "integer" }
        ? number
        : J extends { type: "boolean" }
          ? boolean
          : J extends { type: "null" }
            ? null
            : J extends { type: "array"; items: infer I }
              ? FromJsonSchema<I>[]
              : J extends { type: "object"; properties: infer P }
                ? Properties<J, P>
                : unknown;
