import type { ConsumeOptions } from "../../broker/consumer.ts";

/** Which message types a consumer takes. */
export class TypeFilter {
  /** Equal for filters that let the same through; empty: all. */
  readonly key: string;
  /** The names, as JSON. */
  readonly names: string;
  /** Whether these are the names that are taken, or those that are not. */
  readonly isOnly: boolean;
  readonly #only: ReadonlySet<string> | undefined;
  readonly #except: ReadonlySet<string> | undefined;

  constructor({ types, exceptTypes }: Pick<ConsumeOptions, "types" | "exceptTypes">) {
    const only = types?.filter((type) => !exceptTypes?.includes(type));
    this.#only = only && new Set(only);
    this.#except = only || !exceptTypes ? undefined : new Set(exceptTypes);
    this.isOnly = only !== undefined;
    this.names = JSON.stringify([...(this.#only ?? this.#except ?? [])]);
    this.key = this.#only || this.#except ? `${this.isOnly ? "+" : "-"}${this.names}` : "";
  }

  get isAll(): boolean {
    return this.key === "";
  }

  takes(type: string): boolean {
    if (this.#only) return this.#only.has(type);
    return !this.#except?.has(type);
  }
}
