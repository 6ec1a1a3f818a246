import { AgentwireError } from "../errors.ts";
import { checkName } from "../message/name.ts";
import type { Where } from "../registry/record.ts";
import type { Target } from "./routing.ts";
import type { Address } from "./sending.ts";

const ANYONE: Where = Object.freeze({});
const WHERE_FIELDS: ReadonlySet<string> = new Set(["role", "department", "capability", "region", "label"]);

/** Reads the `to` of a direct message. @throws NAME_INVALID, ARGUMENT_INVALID */
export function targetOf(to: Address<unknown> | undefined, ifUnknown: "fail" | "hold" | undefined): Target {
  if (ifUnknown !== undefined && ifUnknown !== "fail" && ifUnknown !== "hold") {
    throw new AgentwireError("OUT_OF_RANGE", `ifUnknown must be "fail" or "hold"`);
  }
  if (to === undefined) return { kind: "one", where: ANYONE };
  if (typeof to === "string") return { kind: "agent", name: checkName(to, "agent"), hold: ifUnknown === "hold" };
  if (typeof to !== "object" || to === null)
    throw new AgentwireError("ARGUMENT_INVALID", "`to` must be a name, an agent or a filter");
  if ("name" in to) return { kind: "agent", name: checkName(to.name, "agent"), hold: ifUnknown === "hold" };
  return { kind: "one", where: checkWhere(to) };
}

/** Reads the channel of a publish. @throws NAME_INVALID, ARGUMENT_INVALID */
export function targetOfChannel(channel: string | undefined, type: string): Extract<Target, { kind: "channel" }> {
  if (channel === undefined) {
    throw new AgentwireError(
      "ARGUMENT_INVALID",
      `Publishing ${type} needs a channel: pass \`channel\`, or give the message type one`,
    );
  }
  return { kind: "channel", channel: checkName(channel, "channel") };
}

/** Checks a filter field by field. @throws ARGUMENT_INVALID */
export function checkWhere(where: Where): Where {
  for (const name of Object.keys(where)) {
    if (name === "__proto__") continue;
    if (!WHERE_FIELDS.has(name))
      throw new AgentwireError(
        "ARGUMENT_INVALID",
        `A filter has no field "${name}"; it has ${[...WHERE_FIELDS].join(", ")}`,
      );
    if (typeof where[name as keyof Where] !== "string")
      throw new AgentwireError("ARGUMENT_INVALID", `The filter's ${name} must be a string`);
  }
  return where;
}
