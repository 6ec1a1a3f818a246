import { AgentwireError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Session } from "./connection.ts";

/** What looking for a pooler needs. */
export interface PoolerCheck {
  readonly clock: Clock;
  /** The database as people read it. */
  readonly server: string;
  /** Opens another session on the same way. */
  open(): Promise<Session>;
}

/** A pooler that has nothing free lets one wait. */
const PATIENCE = 2_000;

/**
 * Makes sure that a session is one of the server's own for as long as it lives. Behind a pooler that hands the server's sessions
 * out by transaction, nothing would be heard of notifications, and a lock would be another's: a transaction of somebody else
 * then gets this one's place. Asks nothing where there is no pooler. @throws ENGINE_STATE where there is such a one
 */
export async function refuseSharedSessions(session: Session, { clock, server, open }: PoolerCheck): Promise<void> {
  if (!session.isPooled) return;
  const opening = open();
  const other = await within(clock, opening);
  if (!other) {
    // This session keeps one for itself that others wait for.
    void opening.then((late) => late.destroy()).catch(() => {});
    return;
  }
  try {
    await other.query({ text: "BEGIN" });
    await other.query({ text: "SELECT 1" });
    const asking = session.query({ text: "SELECT pg_backend_pid() AS backend" });
    asking.catch(() => {});
    const answer = await within(clock, asking);
    if (answer?.rows[0]?.["backend"] === session.backend) return;
  } finally {
    other.destroy();
  }
  throw new AgentwireError(
    "ENGINE_STATE",
    `${server} cannot be used through this pooler: it shares sessions out by transaction`,
    {
      details: { server },
      hint: "Have it pool by session (PgBouncer: pool_mode = session), or connect to the database itself.",
    },
  );
}

function within<Value>(clock: Clock, promise: Promise<Value>): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(PATIENCE, () => resolve(undefined));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
