import { AgentwireError } from "../../errors.ts";

/** A copy of a value as it would come back from an engine that stores JSON. @throws PAYLOAD_INVALID */
export function plainCopy(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined)
    throw new AgentwireError("PAYLOAD_INVALID", `A value of kind ${typeof value} cannot be stored`);
  return JSON.parse(text);
}
