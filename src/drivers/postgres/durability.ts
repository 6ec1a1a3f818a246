import { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";
import type { Session } from "./connection.ts";

const OLDEST = 150_000;

/** Reads the settings that decide what a commit survives. @throws ENGINE_STATE where this server cannot be written to, or is too old */
export async function readDurability(session: Session, server: string): Promise<DurabilityReport> {
  const { rows } = await session.query({
    text: `SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS name,
      current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, current_setting('synchronous_commit') AS commit,
      current_setting('synchronous_standby_names') AS standbys, pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding`,
  });
  const { version, name, fsync, pages, commit, standbys, standby, encoding } = rows[0] as Readonly<
    Record<string, string>
  > & {
    readonly version: unknown;
    readonly standby: unknown;
  };
  if ((version as number) < OLDEST)
    throw new AgentwireError("ENGINE_STATE", `${server} has version ${name}; 15 is the oldest that can be used`);
  if (standby === true)
    throw new AgentwireError("ENGINE_STATE", `${server} is a standby, which cannot be written to`, {
      hint: "Connect to the primary.",
    });
  if (encoding !== "UTF8")
    throw new AgentwireError("ENGINE_STATE", `${server} keeps texts in ${encoding}; a database in UTF8 is needed`);
  return durabilityOf({ fsync, pages, commit, standbys });
}

/** The class that the settings stand for. */
export function durabilityOf(settings: {
  readonly fsync: string | undefined;
  readonly pages: string | undefined;
  readonly commit: string | undefined;
  readonly standbys: string | undefined;
}): DurabilityReport {
  const { fsync, pages, commit, standbys } = settings;
  const read = `fsync=${fsync}, synchronous_commit=${commit}, full_page_writes=${pages}`;
  if (commit === undefined || commit === "off")
    return { class: "none", reason: `${read}: what was committed last is lost when the server is killed` };
  if (fsync !== "on") return { class: "process", reason: `${read}: nothing is synced to the disk` };
  if (pages !== "on") return { class: "process", reason: `${read}: a page torn by a power loss is not mended` };
  if ((commit === "on" || commit === "remote_apply") && standbys)
    return {
      class: "replicated",
      reason: `${read}, synchronous_standby_names=${standbys}: a commit waits for a standby's disk`,
    };
  return { class: "power", reason: `${read}: a commit waits for the disk` };
}
