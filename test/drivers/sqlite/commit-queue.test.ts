import { describe, expect, it } from "vitest";
import { CommitQueue } from "../../../src/drivers/sqlite/commit-queue.ts";
import type { Transaction } from "../../../src/drivers/sqlite/transaction.ts";
import { Work } from "../../../src/drivers/sqlite/work.ts";
import { AgentwireError } from "../../../src/errors.ts";

const fault = (code: string): Error => Object.assign(new Error(code), { code });

/** A queue over an engine that only keeps a journal of what it was asked. */
function queueOver(faults: { begin?: (Error | undefined)[]; commit?: (Error | undefined)[] } = {}) {
  const journal: string[] = [];
  const queue = new CommitQueue({
    path: "bus.db",
    begin: ({ synced }) => {
      const error = faults.begin?.shift();
      if (error) throw error;
      journal.push(synced ? "begin" : "begin unsynced");
      return { rows: 0 } as Transaction;
    },
    complete: () => {},
    commit: () => {
      const error = faults.commit?.shift();
      if (error) throw error;
      journal.push("commit");
    },
    rollback: () => journal.push("rollback"),
    committed: () => {},
    reopen: ({ unsure }) => journal.push(unsure ? "reopen with a new log" : "reopen"),
  });
  const submit = <T>(step: (tx: Transaction) => T, lazy = false): Promise<T> =>
    queue.submit(new Work("Testing", step), { lazy });
  return { queue, journal, submit };
}

describe("CommitQueue", () => {
  it("syncs what has to survive a power loss, and only that", async () => {
    const { journal, queue } = queueOver();
    const work = (synced: boolean): Promise<void> => queue.submit(new Work("Testing", () => {}, { synced }));
    queue.kick();
    await work(false);
    await Promise.all([work(false), work(true)]);
    expect(journal).toEqual(["begin unsynced", "commit", "begin", "commit"]);
  });

  it("runs what one turn submits in one transaction, in order", async () => {
    const { journal, submit } = queueOver();
    const order: number[] = [];
    const results = await Promise.all([1, 2, 3].map((one) => submit(() => order.push(one))));
    expect(results).toEqual([1, 2, 3]);
    expect(order).toEqual([1, 2, 3]);
    expect(journal).toEqual(["begin", "commit"]);
  });

  it("closes a transaction that has enough rows", async () => {
    const { journal, submit } = queueOver();
    await Promise.all([1, 2, 3].map(() => submit((tx) => (tx.rows += 300))));
    expect(journal).toEqual(["begin", "commit", "begin", "commit"]);
  });

  it("says so when a transaction only hands out", async () => {
    const { queue, journal } = queueOver();
    queue.kick();
    await new Promise((resolve) => setImmediate(resolve));
    expect(journal).toEqual(["begin unsynced", "commit"]);
  });

  it("keeps the process alive for what is submitted during a pause that nobody waited for", async () => {
    const { queue, submit } = queueOver({ begin: Array.from({ length: 12 }, () => fault("SQLITE_BUSY")) });
    // Only timers that keep the process alive are listed.
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    queue.kick();
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
    const before = timers();
    const answer = submit(() => "answered");
    expect(timers()).toBe(before + 1);
    expect(await answer).toBe("answered");
  });

  it("lets a lazy operation wait for company, and runs it alone if none comes", async () => {
    const { journal, submit } = queueOver();
    const lazy = submit(() => "lazy", true);
    expect(journal).toEqual([]);
    expect(await Promise.all([lazy, submit(() => "urgent")])).toEqual(["lazy", "urgent"]);
    expect(journal).toEqual(["begin", "commit"]);
    expect(await submit(() => "alone", true)).toBe("alone");
    expect(journal).toHaveLength(4);
  });

  it("fails an operation that refuses, and not its neighbours", async () => {
    const { journal, submit } = queueOver();
    const refuse = (): never => {
      throw new AgentwireError("AGENT_NOT_FOUND", "no");
    };
    const results = await Promise.allSettled([submit(() => 1), submit(refuse), submit(() => 3)]);
    expect(results).toMatchObject([{ value: 1 }, { reason: { code: "AGENT_NOT_FOUND" } }, { value: 3 }]);
    expect(journal).toEqual(["begin", "commit"]);
  });

  it("undoes a transaction in which one operation breaks, and runs the others again without it", async () => {
    const { journal, submit } = queueOver();
    const runs = [0, 0];
    const breaks = (): never => {
      throw fault("SQLITE_CONSTRAINT");
    };
    const results = await Promise.allSettled([submit(() => ++runs[0]!), submit(breaks), submit(() => ++runs[1]!)]);
    expect(results).toMatchObject([{ value: 2 }, { reason: { code: "REJECTED" } }, { value: 1 }]);
    expect(journal).toEqual(["begin", "rollback", "begin", "commit"]);
  });

  it("tries again while another process has the lock", async () => {
    const busy = fault("SQLITE_BUSY");
    const { journal, submit } = queueOver({ begin: [busy, busy, busy, busy, busy, busy, undefined] });
    expect(await submit(() => "done")).toBe("done");
    expect(journal).toEqual(["begin", "commit"]);
  });

  it.each([
    ["SQLITE_FULL", "STORAGE_FULL"],
    ["SQLITE_IOERR_FSYNC", "INDETERMINATE"],
    ["SQLITE_IOERR_SHMSIZE", "INDETERMINATE"],
    ["SQLITE_CORRUPT", "STORE_CORRUPT"],
  ])("never answers well after %s at the commit", async (code, expected) => {
    const { journal, submit } = queueOver({ commit: [fault(code)] });
    const results = await Promise.allSettled([submit(() => 1), submit(() => 2)]);
    expect(results).toMatchObject([{ reason: { code: expected } }, { reason: { code: expected } }]);
    expect(await submit(() => 3)).toBe(3);
    // A disk that is full is no reason to distrust the connection; a failed sync is, and the log with it.
    const reopen = code === "SQLITE_IOERR_SHMSIZE" || code === "SQLITE_CORRUPT" ? "reopen" : "reopen with a new log";
    expect(journal).toEqual(
      code === "SQLITE_FULL"
        ? ["begin", "rollback", "begin", "commit"]
        : ["begin", "rollback", reopen, "begin", "commit"],
    );
  });

  it("says that the disk is full, also when it is too full to begin with", async () => {
    const none = fault("SQLITE_IOERR_SHMSIZE");
    const { submit } = queueOver({ begin: [none], commit: [none] });
    await expect(submit(() => 1)).rejects.toMatchObject({ code: "STORAGE_FULL" });
    await expect(submit(() => 2)).rejects.toThrow(/written: the disk under .* is full$/);
    expect(await submit(() => 3)).toBe(3);
  });

  it("fails what is queued when it is closed, and takes nothing more", async () => {
    const { queue, journal, submit } = queueOver();
    const queued = submit(() => 1);
    queue.close();
    await expect(queued).rejects.toMatchObject({ code: "CLOSED" });
    await expect(submit(() => 2)).rejects.toMatchObject({ code: "CLOSED" });
    expect(journal).toEqual([]);
  });
});
