import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";

/** The first version whose quorum queues have all that is used here. */
const OLDEST = [3, 10] as const;

/** What the server promises, by its version: what it was told to do cannot be read over this protocol. @throws ENGINE_STATE */
export function readDurability(version: string): DurabilityReport {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new AgentwireError(
      "ENGINE_STATE",
      `The server is version ${version}; ${OLDEST.join(".")} or later is needed`,
      {
        details: { version },
      },
    );
  return {
    class: "power",
    reason:
      `RabbitMQ ${version}: quorum queues sync what they confirm; on how many nodes they stand cannot be read ` +
      "from a client, so that it does not count as replicated",
  };
}
