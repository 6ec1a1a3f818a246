import { AgentwireError } from "../../errors.ts";

/** What a package.json says, as far as the audit cares. */
export interface PackageFacts {
  readonly name: string;
  readonly version: string;
  /** As written; empty when there is none. */
  readonly licence: string;
}

/** Reads a package.json's text; names and versions it leaves out are empty. @throws ARGUMENT_INVALID when it is not a JSON object */
export function readFacts(text: string): PackageFacts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentwireError("ARGUMENT_INVALID", "package.json is not valid JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new AgentwireError("ARGUMENT_INVALID", "package.json is not an object");
  const fields = value as Readonly<Record<string, unknown>>;
  return {
    name: textOf(fields["name"]),
    version: textOf(fields["version"]),
    licence: licenceOf(fields["license"] ?? fields["licenses"]),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

// Old packages write an object, or a list of them, where a name is expected.
function licenceOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(licenceOf).filter(Boolean).join(" OR ");
  if (typeof value === "object" && value !== null) return textOf((value as Record<string, unknown>)["type"]).trim();
  return textOf(value).trim();
}
