import type { AnyAgentDefinition } from "../agent/definition.ts";
import { AgentwireError, type Issue } from "../errors.ts";
import type { Schema, SchemaOutput } from "../message/inference.ts";
import { compileSchema } from "../message/schema.ts";

/** What a factory is given for one agent of a configuration file. */
export interface FactoryInput<O = Readonly<Record<string, unknown>>> {
  /** Under which the agent joins. */
  readonly name: string;
  /** The agent's `options`, `{}` where it has none: plain JSON, frozen. */
  readonly options: O;
}

/** Makes the definition of one agent of a configuration file. It makes; what starts something belongs into `onStart`. */
export type AgentFactory = (input: FactoryInput) => AnyAgentDefinition | Promise<AnyAgentDefinition>;

/** Factories by the names that a configuration file uses; a definition stands for a factory that always makes it. */
export type Factories = Readonly<Record<string, AgentFactory | AnyAgentDefinition>>;

/** The options of one agent do not fit the schema of its factory. */
export class OptionsFault extends AgentwireError<"VALIDATION_FAILED"> {
  constructor(agent: string, issues: readonly Issue[]) {
    const first = issues[0];
    super(
      "VALIDATION_FAILED",
      `The options of agent "${agent}" do not fit: ${[first?.path.join("."), first?.message].filter(Boolean).join(": ")}`,
      { details: { type: agent, issues } },
    );
  }
}

/**
 * A factory whose options have a schema: any Standard Schema, or JSON Schema 2020-12. It gets the schema's output.
 * @throws SCHEMA_INVALID, SCHEMA_UNSAFE; what it returns throws VALIDATION_FAILED when the options do not fit
 */
export function defineFactory<const S extends Schema>(
  options: S,
  make: (input: FactoryInput<SchemaOutput<S>>) => AnyAgentDefinition | Promise<AnyAgentDefinition>,
): AgentFactory {
  const schema = compileSchema(options, "a factory's options");
  return async ({ name, options: given }) => {
    const { value, issues } = await schema.validate(given);
    if (issues) throw new OptionsFault(name, issues);
    return make({ name, options: value as SchemaOutput<S> });
  };
}
