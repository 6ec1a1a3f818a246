import { describe, expect, it } from "vitest";
import type { StatusReport } from "../../src/agent/built-in.ts";
import type { InboxStatus, Waiting } from "../../src/broker/inbox.ts";
import type { StoredDeadLetter } from "../../src/bus/dead-letters.ts";
import { checkInbox } from "../../src/cli/doctor/inbox-checks.ts";
import { checkLetters } from "../../src/cli/doctor/letter-checks.ts";
import { checkVersions } from "../../src/cli/doctor/version-check.ts";
import { packageVersion } from "../../src/package-version.ts";
import type { AgentInfo } from "../../src/registry/record.ts";

const NOW = 1_000_000_000;
const ENDED = { acknowledged: 0, expired: 0, "dead-lettered": 0, superseded: 0, withdrawn: 0, dropped: 0 };

function inbox(fields: Partial<InboxStatus>): InboxStatus {
  return {
    name: "ann",
    capacity: 1_000,
    overflow: "reject",
    paused: false,
    waiting: 0,
    held: 0,
    delayed: 0,
    accepted: 0,
    ended: ENDED,
    consumers: 1,
    ...fields,
  };
}

const agent = { name: "ann", status: "online" } as AgentInfo;
const message = { id: "m1", type: "job" } as Waiting["message"];
const copy = (fields: Partial<Waiting>): Waiting => ({
  inbox: "ann",
  message,
  attempt: 1,
  state: "held",
  priority: "normal",
  ...fields,
});

/** The names of the checks that find something. */
function checks(
  after: Partial<InboxStatus>,
  { before = after, known = agent }: { before?: Partial<InboxStatus>; known?: AgentInfo | undefined } = {},
): string[] {
  return checkInbox({ before: inbox(before), after: inbox(after), agent: known, now: NOW }).map(
    (finding) => finding.check,
  );
}

describe("the doctor compares releases", () => {
  const report = (name: string, library: string): StatusReport => ({ agent: name, library }) as StatusReport;

  it("finds nothing where all are one", () => {
    expect(checkVersions([report("ann", packageVersion()), report("bob", packageVersion())])).toEqual([]);
  });

  it("names who runs on another", () => {
    expect(
      checkVersions([report("ann", "0.1.0"), report("bob", "0.2.0"), report("cid", "0.2.0")], "0.1.0"),
    ).toMatchObject([{ level: "note", check: "version", subject: "bob, cid", what: expect.stringContaining("0.2.0") }]);
  });
});

describe("the doctor looks at inboxes", () => {
  it("finds nothing where all is well", () => {
    expect(checks({ waiting: 5, held: 5, messages: [copy({ offeredAt: NOW - 1_000 })] })).toEqual([]);
    expect(checks({ waiting: 5, delayed: 5, consumers: 0 })).toEqual([]);
  });

  it("finds mail that nobody takes", () => {
    expect(checks({ waiting: 5, consumers: 0 })).toEqual(["backlog"]);
    expect(checks({ waiting: 5, paused: true })).toEqual(["paused"]);
    expect(
      checkInbox({ before: inbox({ waiting: 5 }), after: inbox({ waiting: 5 }), agent: undefined, now: NOW }),
    ).toMatchObject([
      { level: "problem", check: "orphan", subject: "ann", advice: expect.stringContaining("Start the agent") },
    ]);
  });

  it("finds backlogs that grow, and those only", () => {
    expect(checks({ waiting: 200, accepted: 300 }, { before: { waiting: 150, accepted: 200 } })).toEqual(["backlog"]);
    expect(checks({ waiting: 150, accepted: 300 }, { before: { waiting: 200, accepted: 200 } })).toEqual([]);
    expect(checks({ waiting: 800 })).toEqual(["capacity"]);
    expect(checks({ waiting: 799 })).toEqual([]);
  });

  it("finds what is held for long, and what was handed out often", () => {
    expect(checks({ waiting: 1, messages: [copy({ offeredAt: NOW - 5 * 60_000 - 1 })] })).toEqual(["stuck"]);
    expect(checks({ waiting: 1, messages: [copy({ offeredAt: NOW - 5 * 60_000 })] })).toEqual([]);
    expect(checks({ waiting: 1, messages: [copy({ state: "ready", attempt: 3 })] })).toEqual(["poison"]);
    expect(checks({ waiting: 1, messages: [copy({ state: "ready", attempt: 2 })] })).toEqual([]);
  });
});

describe("the doctor looks at dead letters", () => {
  const letter = (recipient: string, code: string): StoredDeadLetter =>
    ({ message, recipient, code, reason: "", at: NOW, attempts: [] }) as unknown as StoredDeadLetter;

  it("sums them up by agent, and names those that end their process", () => {
    expect(
      checkLetters([letter("ann", "HANDLER_FAILED"), letter("bob", "ATTEMPTS_EXHAUSTED"), letter("ann", "NO_HANDLER")]),
    ).toMatchObject([
      { level: "note", check: "dead-letters", subject: "ann", what: "2 dead letters (HANDLER_FAILED, NO_HANDLER)" },
      { level: "note", check: "dead-letters", subject: "bob", what: "1 dead letters (ATTEMPTS_EXHAUSTED)" },
      { level: "problem", check: "poison", subject: "bob" },
    ]);
    expect(checkLetters([])).toEqual([]);
  });
});
