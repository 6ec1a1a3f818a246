import type { AnyAgentDefinition } from "../agent/definition.ts";
import { describeThrown } from "../agent/error-text.ts";
import { type Entry, isDefinition } from "./entry.ts";
import { type Factories, OptionsFault } from "./factory.ts";
import type { Issues } from "./issues.ts";

/** Makes an entry's definition: the factory's, under the entry's name, each field that the file has in place of its own. */
export async function makeDefinition(
  entry: Entry,
  factories: Factories,
  issues: Issues,
): Promise<AnyAgentDefinition | undefined> {
  const { name, path, plan } = entry;
  if (isDefinition(plan)) return plan;
  const factory = factories[plan.factory];
  if (isDefinition(factory)) {
    if (plan.options === undefined) return replaced(factory, entry.name, plan.fields);
    issues.add([...path, "options"], `the factory "${plan.factory}" is a definition and takes no options`);
    return undefined;
  }
  try {
    const made = await factory?.({ name, options: plan.options ?? Object.freeze({}) });
    if (isDefinition(made)) return replaced(made, name, plan.fields);
    issues.add([...path, "factory"], `the factory "${plan.factory}" returned no definition`);
  } catch (error) {
    if (!(error instanceof OptionsFault))
      issues.add([...path, "factory"], `the factory "${plan.factory}" failed: ${describeThrown(error).message}`);
    else for (const fault of error.details.issues) issues.add([...path, "options", ...fault.path], fault.message);
  }
  return undefined;
}

function replaced(definition: AnyAgentDefinition, name: string, fields: object): AnyAgentDefinition {
  const { spec, handlers } = definition["~parts"];
  return { name, "~parts": { spec: { ...spec, ...fields, name }, handlers } };
}
