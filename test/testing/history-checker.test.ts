import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHistory, type HistoryVerdict } from "../../src/testing/history-checker.ts";
import type { HistoryEvent } from "../../src/testing/history-events.ts";

const FAULTS = ["lost", "invented", "corrupted", "repeated", "unmarked", "outOfOrder", "late", "stuck"] as const;
type Fault = (typeof FAULTS)[number];

interface Story {
  /** What goes wrong along the way, harmless in itself. */
  readonly trouble:
    | "none"
    | "handler dies"
    | "ack unanswered"
    | "send unanswered"
    | "send refused first"
    | "expires"
    | "dead-lettered";
  readonly recipients: number;
}

const stories = fc.array(
  fc.record<Story>({
    trouble: fc.constantFrom(
      "none",
      "handler dies",
      "ack unanswered",
      "send unanswered",
      "send refused first",
      "expires",
      "dead-lettered",
    ),
    recipients: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 30 },
);

/** A history of a system that keeps its promises. */
function history(all: readonly Story[]): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  let at = 0;
  const tick = (): number => ++at;
  all.forEach(({ trouble, recipients }, index) => {
    const key = `m${index}`;
    const names = Array.from({ length: recipients }, (_, number) => `agent-${number}`);
    const digest = `digest-${index}`;
    events.push({ event: "send", step: "invoke", at: tick(), key, sender: "ada", recipients: names, digest });
    if (trouble === "send refused first") {
      events.push({ event: "send", step: "fail", at: tick(), key, sender: "ada" });
      events.push({ event: "send", step: "invoke", at: tick(), key, sender: "ada", recipients: names, digest });
    }
    events.push({
      event: "send",
      step: trouble === "send unanswered" ? "unknown" : "ok",
      at: tick(),
      key,
      sender: "ada",
      expiresAt: 1e6,
    });
    for (const recipient of names) {
      if (trouble === "expires" || trouble === "dead-lettered") {
        events.push({
          event: "end",
          at: tick(),
          key,
          recipient,
          end: trouble === "expires" ? "expired" : "dead-lettered",
        });
        continue;
      }
      events.push({
        event: "hand-off",
        at: tick(),
        key,
        recipient,
        instance: "one",
        attempt: 1,
        redelivered: false,
        digest,
        wall: 5e5,
      });
      if (trouble === "handler dies") {
        events.push({
          event: "hand-off",
          at: tick(),
          key,
          recipient,
          instance: "two",
          attempt: 2,
          redelivered: true,
          digest,
          wall: 5e5,
        });
      }
      events.push({ event: "ack", step: "invoke", at: tick(), key, recipient, instance: "two" });
      events.push({
        event: "ack",
        step: trouble === "ack unanswered" ? "unknown" : "ok",
        at: tick(),
        key,
        recipient,
        instance: "two",
      });
    }
  });
  return events;
}

const faultsOf = (verdict: HistoryVerdict): Fault[] => FAULTS.filter((fault) => verdict[fault].length > 0);

/** Spoils an honest history of one plain message in one way. */
const SPOILERS: Readonly<Record<Fault, (events: HistoryEvent[], key: string) => HistoryEvent[]>> = {
  lost: (events, key) => events.filter((event) => event.key !== key || event.event === "send"),
  invented: (events, key) => events.filter((event) => event.key !== key || event.event !== "send"),
  corrupted: (events, key) =>
    events.map((event) => (event.key === key && event.event === "hand-off" ? { ...event, digest: "other" } : event)),
  repeated: (events, key) => [...events, again(events, key, { redelivered: true, attempt: 2 })],
  unmarked: (events, key) =>
    events.flatMap((event) =>
      event.key === key && event.event === "hand-off"
        ? [event, { ...event, at: event.at + 0.1, instance: "two" }]
        : [event],
    ),
  outOfOrder: (events, key) =>
    events.map((event) => (event.key === key && event.event !== "send" ? { ...event, at: event.at + 1e6 } : event)),
  late: (events, key) =>
    events.map((event) => (event.key === key && event.event === "hand-off" ? { ...event, wall: 2e6 } : event)),
  stuck: (events, key) => [...events, { event: "waiting", at: 1e9, key, recipient: "agent-0" }],
};

function again(events: readonly HistoryEvent[], key: string, changes: object): HistoryEvent {
  const handOff = events.find((event) => event.key === key && event.event === "hand-off") as HistoryEvent;
  return { ...handOff, ...changes, at: 1e9 };
}

describe("checkHistory", () => {
  it("finds nothing wrong in any history of a system that keeps its promises, in whatever order it is read", () => {
    fc.assert(
      fc.property(stories, fc.infiniteStream(fc.nat()), (all, random) => {
        const events = history(all).map((event) => ({ event, place: random.next().value as number }));
        const verdict = checkHistory(
          events.sort((a, b) => a.place - b.place).map(({ event }) => event),
          { ordered: true },
        );
        expect(faultsOf(verdict)).toEqual([]);
        expect(verdict.counts.accepted + verdict.counts.unknown + verdict.counts.refused).toBe(all.length);
      }),
    );
  });

  it.each(FAULTS)("finds a message that is %s among any others, and says nothing else of them", (fault) => {
    fc.assert(
      fc.property(stories, stories, (before, after) => {
        const plain: Story = { trouble: "none", recipients: 1 };
        const events = history([...before, plain, ...after, plain]);
        const key = `m${before.length}`;
        const verdict = checkHistory(SPOILERS[fault](events, key), { ordered: true });
        expect(verdict[fault].length).toBeGreaterThan(0);
        if (fault !== "outOfOrder") expect(verdict[fault]).toEqual([`${key} -> agent-0`]);
        expect(faultsOf(verdict)).toEqual([fault]);
      }),
    );
  });

  it("takes a send that was never answered for possible, stored or not", () => {
    const invoke: HistoryEvent = { event: "send", step: "invoke", at: 1, key: "m", sender: "ada", recipients: ["bob"] };
    expect(faultsOf(checkHistory([invoke]))).toEqual([]);
    const handOff: HistoryEvent = {
      event: "hand-off",
      at: 2,
      key: "m",
      recipient: "bob",
      instance: "one",
      attempt: 1,
      redelivered: false,
    };
    const ack: HistoryEvent = { event: "ack", step: "ok", at: 3, key: "m", recipient: "bob", instance: "one" };
    expect(faultsOf(checkHistory([invoke, handOff, ack]))).toEqual([]);
  });

  it("calls a message that was refused for certain, and came all the same, invented", () => {
    const verdict = checkHistory([
      { event: "send", step: "invoke", at: 1, key: "m", sender: "ada", recipients: ["bob"] },
      { event: "send", step: "fail", at: 2, key: "m", sender: "ada" },
      { event: "hand-off", at: 3, key: "m", recipient: "bob", instance: "one", attempt: 1, redelivered: false },
    ]);
    expect(verdict.invented).toEqual(["m -> bob"]);
  });

  it("counts a holder that was paused before its handler began as overtaken, and not as a repetition", () => {
    const handOff = (at: number, instance: string, attempt: number): HistoryEvent => ({
      event: "hand-off",
      at,
      key: "m",
      recipient: "bob",
      instance,
      attempt,
      redelivered: attempt > 1,
    });
    const verdict = checkHistory([
      { event: "send", step: "ok", at: 1, key: "m", sender: "ada", recipients: ["bob"] },
      handOff(2, "two", 2),
      { event: "ack", step: "ok", at: 3, key: "m", recipient: "bob", instance: "two" },
      handOff(4, "one", 1),
    ]);
    expect(faultsOf(verdict)).toEqual([]);
    expect(verdict.counts).toMatchObject({ duplicates: 1, overtaken: 1 });
  });

  it("calls two confirmed completions of one copy repeated, and one that was told its lease is lost not", () => {
    const first: HistoryEvent[] = [
      { event: "send", step: "ok", at: 1, key: "m", sender: "ada", recipients: ["bob"] },
      { event: "hand-off", at: 2, key: "m", recipient: "bob", instance: "one", attempt: 1, redelivered: false },
      { event: "hand-off", at: 3, key: "m", recipient: "bob", instance: "two", attempt: 2, redelivered: true },
      { event: "ack", step: "ok", at: 4, key: "m", recipient: "bob", instance: "two" },
    ];
    const late = (step: "ok" | "lost"): HistoryEvent => ({
      event: "ack",
      step,
      at: 5,
      key: "m",
      recipient: "bob",
      instance: "one",
    });
    expect(checkHistory([...first, late("ok")]).repeated).toEqual(["m -> bob"]);
    expect(faultsOf(checkHistory([...first, late("lost")]))).toEqual([]);
  });
});
