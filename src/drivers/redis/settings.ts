import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import { replyWord } from "./faults.ts";

/** Sends a command and gives its answer. */
export type Ask = (...command: string[]) => Promise<unknown>;

const OLDEST = 7;

/** Reads what the server promises from its settings; what cannot be read counts as less. @throws ENGINE_STATE, VERSION_UNSUPPORTED */
export async function readDurability(ask: Ask): Promise<DurabilityReport> {
  const info = String(await ask("INFO", "server"));
  const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? "0";
  if (Number.parseInt(version, 10) < OLDEST)
    throw new AgentwireError("ENGINE_STATE", `The server is version ${version}; ${OLDEST}.0 or later is needed`, {
      details: { version },
    });
  const settings = await readSettings(ask);
  if (settings === undefined)
    return { class: "none", reason: "CONFIG GET is refused, so it cannot be read whether the server syncs its log" };
  const { "maxmemory-policy": policy = "noeviction", maxmemory = "0" } = settings;
  if (policy !== "noeviction" && maxmemory !== "0")
    throw new AgentwireError(
      "ENGINE_STATE",
      `maxmemory-policy is ${policy}: the server would throw messages away when its memory is full`,
      { hint: "Set maxmemory-policy to noeviction.", details: { "maxmemory-policy": policy } },
    );
  return classOf(settings);
}

function classOf(settings: Readonly<Record<string, string>>): DurabilityReport {
  const { appendonly = "no", appendfsync = "everysec" } = settings;
  if (appendonly !== "yes")
    return { class: "none", reason: "appendonly=no: what is written after the last snapshot is lost" };
  if (appendfsync !== "always")
    return {
      class: "none",
      reason: `appendonly=yes, appendfsync=${appendfsync}: the last answered writes may be lost with the server`,
    };
  return { class: "power", reason: "appendonly=yes and appendfsync=always, read from the server" };
}

async function readSettings(ask: Ask): Promise<Record<string, string> | undefined> {
  const settings: Record<string, string> = {};
  try {
    for (const name of ["appendonly", "appendfsync", "maxmemory", "maxmemory-policy"]) {
      const answer = await ask("CONFIG", "GET", name);
      // A map or a flat list, as the protocol's version has it.
      const pair = Array.isArray(answer) ? answer : Object.entries((answer ?? {}) as object).flat();
      if (pair.length >= 2) settings[name] = String(pair[1]);
    }
  } catch (error) {
    if (replyWord(error) === undefined) throw error;
    return undefined;
  }
  return settings;
}
