import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditFiles, type AuditFilesOptions } from "../../src/observe/audit-files.ts";
import { EventHub } from "../../src/observe/event-hub.ts";
import type { BusEvent } from "../../src/observe/events.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

const DAY = 86_400_000;
let directory: string;
let clock: FakeClock;
let events: EventHub;
let opened: AuditFiles[];

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "audit-")), "files");
  clock = new FakeClock({ now: Date.UTC(2026, 0, 1, 23, 59) });
  events = new EventHub();
  opened = [];
});
afterEach(async () => {
  for (const files of opened) await files.close();
  rmSync(join(directory, ".."), { recursive: true, force: true });
});

async function open(options: Partial<AuditFilesOptions> = {}): Promise<AuditFiles> {
  const files = new AuditFiles({ directory, events, clock, ...options });
  await files.open();
  opened.push(files);
  return files;
}

function lines(day: string, file: string): Record<string, unknown>[] {
  const text = readFileSync(join(directory, day, `${file}_${day}.jsonl`), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const about = { id: "m1", message: "greet", from: "bob", conversation: "m1", recipient: "ada", attempt: 1 };
const acknowledged = (): BusEvent => ({ type: "message.acknowledged", at: clock.now(), ...about, duration: 12 });

describe("audit files", () => {
  it("sort events into the files of the day", async () => {
    const files = await open();
    events.emit({ type: "agent.joined", at: clock.now(), agent: "ada", instance: "i" });
    events.emit(acknowledged());
    events.emit({ type: "message.dead-lettered", at: clock.now(), ...about, code: "X", reason: "no\u0085\u202e\n" });
    await files.flush();
    const day = "2026-01-01";
    expect(readdirSync(join(directory, day)).sort()).toEqual(
      ["agent_activity", "errors", "message_audit", "performance"].map((name) => `${name}_${day}.jsonl`),
    );
    expect(lines(day, "agent_activity")).toEqual([
      { time: "2026-01-01T23:59:00.000Z", event: "agent.joined", agent: "ada", instance: "i" },
    ]);
    expect(lines(day, "message_audit").map((line) => line["event"])).toEqual([
      "message.acknowledged",
      "message.dead-lettered",
    ]);
    expect(lines(day, "performance")).toEqual([expect.objectContaining({ id: "m1", agent: "ada", duration: 12 })]);
    expect(lines(day, "errors")).toEqual([expect.objectContaining({ code: "X" })]);
    expect(readFileSync(join(directory, day, `errors_${day}.jsonl`), "utf8")).not.toMatch(/[\u0085\u202e]/);
    expect(files.statistics()).toMatchObject({
      lines: { message_audit: 2, errors: 1, task_history: 0 },
      waiting: 0,
      lost: 0,
    });
  });

  it("writes by itself after a second, and goes on in the next day's files after midnight", async () => {
    await open();
    events.emit(acknowledged());
    expect(existsSync(join(directory, "2026-01-01"))).toBe(false);
    await clock.advance(1_000);
    await expect.poll(() => existsSync(join(directory, "2026-01-01"))).toBe(true);
    await clock.advance(60_000);
    events.emit(acknowledged());
    await clock.advance(1_000);
    await expect.poll(() => existsSync(join(directory, "2026-01-02", "performance_2026-01-02.jsonl"))).toBe(true);
  });

  it("removes days older than 30, at the start and at midnight, and nothing else", async () => {
    for (const name of ["2025-12-01", "2025-12-02", "2025-12-03", "notes", "2025-12"])
      mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, "2025-12-01", "message_audit_2025-12-01.jsonl"), "{}\n");
    const files = await open();
    expect(readdirSync(directory).sort()).toEqual(["2025-12", "2025-12-02", "2025-12-03", "notes"]);
    await clock.advance(60_000);
    events.emit(acknowledged());
    await files.flush();
    expect(readdirSync(directory).sort()).toEqual(["2025-12", "2025-12-03", "2026-01-02", "notes"]);
    clock.jump(40 * DAY);
    events.emit(acknowledged());
    await files.flush();
    expect(readdirSync(directory).sort()).toEqual(["2025-12", "2026-02-11", "notes"]);
  });

  it("keeps lines that could not be written and tells of the fault", async () => {
    const faults: unknown[] = [];
    const files = await open({ onFault: (error) => faults.push(error) });
    // A file where the day's folder should be: nobody can write there, not even root.
    writeFileSync(join(directory, "2026-01-01"), "in the way");
    chmodSync(join(directory, "2026-01-01"), 0o400);
    events.emit(acknowledged());
    await expect(files.flush()).rejects.toThrow();
    events.emit(acknowledged());
    await clock.advance(1_000);
    await expect.poll(() => faults.length).toBeGreaterThan(0);
    expect(files.statistics()).toMatchObject({ waiting: 4 });
    rmSync(join(directory, "2026-01-01"));
    await files.flush();
    expect(lines("2026-01-01", "performance")).toHaveLength(2);
    expect(lines("2026-01-01", "message_audit")).toHaveLength(2);
  });

  it("bounds what waits, and says how many lines are lost", async () => {
    const files = await open();
    writeFileSync(join(directory, "2026-01-01"), "in the way");
    const reason = "x".repeat(2_000);
    for (let at = 0; at < 12_000; at++) events.emit({ type: "message.dropped", at: clock.now(), ...about, reason });
    const { lost } = files.statistics();
    expect(lost).toBeGreaterThan(1_000);
    rmSync(join(directory, "2026-01-01"));
    await files.flush();
    await files.flush();
    events.emit(acknowledged());
    await files.flush();
    expect(lines("2026-01-01", "errors")).toEqual([expect.objectContaining({ event: "audit.lost", lines: lost })]);
  });

  it("writes what waits when closed, and hears nothing afterwards", async () => {
    const files = await open();
    events.emit(acknowledged());
    await files.close();
    expect(lines("2026-01-01", "performance")).toHaveLength(1);
    events.emit(acknowledged());
    await files.close();
    expect(lines("2026-01-01", "performance")).toHaveLength(1);
    expect(events.active).toBe(false);
  });
});
