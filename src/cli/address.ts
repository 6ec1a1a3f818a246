import { AgentwireError } from "../errors.ts";
import type { Where } from "../registry/record.ts";

const FIELDS = ["role", "department", "capability", "region", "label"] as const;

/** Reads who is meant: an agent's name, or `role=cso`, `department=sales,capability=quote` for one that matches. @throws ARGUMENT_INVALID */
export function readAddress(text: string): string | Where {
  return text.includes("=") ? readWhere(text) : text;
}

/** Reads a filter such as `role=cso,region=eu`. @throws ARGUMENT_INVALID */
export function readWhere(text: string): Where {
  const where: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [field = "", value = ""] = part.split("=", 2);
    if (!(FIELDS as readonly string[]).includes(field) || value === "") {
      throw new AgentwireError("ARGUMENT_INVALID", `"${text}" is no address`, {
        hint: `Give an agent's name, or ${FIELDS.map((known) => `${known}=...`).join(", ")}, several separated by commas.`,
      });
    }
    where[field] = value;
  }
  return where;
}
