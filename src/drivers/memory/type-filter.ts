import type { ConsumeOptions } from "../../broker/consumer.ts";

/** Which message types a consumer takes. */
export class TypeFilter {
  readonly #only: ReadonlySet<string> | undefined;
  readonly #except: ReadonlySet<string>;

  private constructor(options: Pick<ConsumeOptions, "types" | "exceptTypes">) {
    this.#only = options.types && new Set(options.types);
    this.#except = new Set(options.exceptTypes);
  }

  /** The filter of a consumer; undefined if it takes everything. */
  static of(options: Pick<ConsumeOptions, "types" | "exceptTypes">): TypeFilter | undefined {
    return options.types || options.exceptTypes?.length ? new TypeFilter(options) : undefined;
  }

  takes(type: string): boolean {
    return (this.#only?.has(type) ?? true) && !this.#except.has(type);
  }
}
