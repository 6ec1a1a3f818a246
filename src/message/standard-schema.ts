/** The part of the Standard Schema interface (standardschema.dev, version 1) that is used here. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type TypesOf<S> = S extends { readonly "~standard": { readonly types?: infer T } } ? NonNullable<T> : never;

/** What a Standard Schema takes. */
export type StandardInput<S> = TypesOf<S> extends { input: infer I } ? I : unknown;

/** What a Standard Schema gives. */
export type StandardOutput<S> = TypesOf<S> extends { output: infer O } ? O : unknown;
