import { instance as graphviz } from "@viz-js/viz";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReceiptRecord } from "../../src/message/receipt-record.ts";
import type { BusEvent } from "../../src/observe/events.ts";
import type { JournalEntry } from "../../src/observe/journal-entry.ts";
import { buildTrace, type Trace, walk } from "../../src/observe/trace.ts";
import { traceDot } from "../../src/observe/trace-dot.ts";
import { traceMermaid } from "../../src/observe/trace-mermaid.ts";
import { traceSvg } from "../../src/observe/trace-svg.ts";
import { traceText } from "../../src/observe/trace-text.ts";

interface Given {
  readonly at?: number;
  readonly type?: string;
  readonly from?: string;
  readonly to?: readonly string[];
  readonly cause?: string;
}

function message(id: string, { at = 0, type = "greet", from = "bob", to = ["ada"], cause }: Given = {}): JournalEntry {
  return {
    kind: "message",
    at,
    recipients: to,
    message: {
      v: 1,
      id,
      type,
      version: 1,
      from,
      payload: {},
      priority: "normal",
      createdAt: at,
      conversationId: "c",
      headers: {},
      ...(cause === undefined ? {} : { causationId: cause }),
    },
  };
}

function event(type: BusEvent["type"], id: string, at: number, more: object = {}): JournalEntry {
  const about = {
    type,
    at,
    id,
    message: "greet",
    from: "bob",
    conversation: "c",
    recipient: "ada",
    attempt: 1,
    ...more,
  };
  return { kind: "event", at, event: about as BusEvent };
}

const entries: JournalEntry[] = [
  message("a", { at: 0, to: ["ada", "cid"] }),
  event("message.offered", "a", 10, { instance: "i1" }),
  message("b", { at: 12, cause: "a", type: "part", from: "ada", to: ["dan"] }),
  event("message.retried", "a", 15, { instance: "i1", delay: 5, code: "X", reason: "first" }),
  event("message.offered", "a", 20, { instance: "i2", attempt: 2 }),
  event("message.acknowledged", "a", 32, { instance: "i2", attempt: 2, duration: 12 }),
  message("c", { at: 30, cause: "a", type: "part", from: "ada", to: ["eve"] }),
  event("message.offered", "c", 40, { recipient: "eve" }),
  message("late", { at: 50, cause: "forgotten" }),
];

describe("the execution tree", () => {
  it("says who handled what, because of what, when, how long, with what outcome", () => {
    const records: ReceiptRecord[] = [
      { id: "b", recipient: "dan", end: "expired", at: 60, attempt: 0, reason: "EXPIRED" },
    ];
    const trace = buildTrace("c", entries, { records, waiting: [] });
    expect(trace).toMatchObject({
      startedAt: 0,
      lastAt: 60,
      messages: 4,
      outcomes: { acknowledged: 1, waiting: 2, expired: 1, running: 1 },
    });
    expect(trace.roots.map((node) => node.id)).toEqual(["a", "late"]);
    const [root] = trace.roots;
    expect(root?.children.map((node) => node.id)).toEqual(["b", "c"]);
    expect(root?.deliveries).toEqual([
      {
        recipient: "ada",
        instance: "i2",
        attempts: 2,
        failures: [{ attempt: 1, at: 15, code: "X", reason: "first" }],
        offeredAt: 20,
        endedAt: 32,
        duration: 12,
        outcome: "acknowledged",
      },
      { recipient: "cid", attempts: 0, failures: [], outcome: "waiting" },
    ]);
    expect(root?.children[0]?.deliveries).toEqual([
      { recipient: "dan", attempts: 0, failures: [], endedAt: 60, outcome: "expired", reason: "EXPIRED" },
    ]);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
  });

  it("is the same in whatever order events were written", () => {
    const messages = entries.filter((entry) => entry.kind === "message");
    const events = entries.filter((entry) => entry.kind === "event");
    expect(buildTrace("c", [...events, ...messages])).toEqual(buildTrace("c", [...messages, ...events]));
    expect(buildTrace("c", [])).toEqual({ conversation: "c", messages: 0, outcomes: {}, roots: [] });
  });

  it("shows every message once, even where causes go round", () => {
    const causes = fc.array(fc.option(fc.nat(9), { nil: undefined }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(causes, (given) => {
        const trace = buildTrace(
          "c",
          given.map((cause, at) => message(`m${at}`, { at, ...(cause === undefined ? {} : { cause: `m${cause}` }) })),
        );
        const seen = [...walk(trace.roots)].map(({ node }) => node.id);
        expect(seen.sort()).toEqual(given.map((_, at) => `m${at}`).sort());
      }),
    );
  });

  it("is drawn for a terminal", () => {
    expect(traceText(buildTrace("c", entries))).toBe(
      [
        "c: 4 messages, 50 ms",
        "├─ greet from bob",
        "│  │  ✓ ada acknowledged in 12 ms, 2 attempts",
        "│  │  … cid waiting",
        "│  ├─ part from ada",
        "│  │     … dan waiting",
        "│  └─ part from ada",
        "│        ▶ eve running",
        "└─ greet from bob",
        "      … ada waiting",
        "",
      ].join("\n"),
    );
  });
});

const HOSTILE = [
  'a"];evil[URL="javascript:alert(1)',
  "new\nline",
  "back\\slash\\",
  "<b>bold</b>",
  "x".repeat(1_048_576),
  "\u202eright",
  "\u001b[31m",
  "&lt;",
  "\\N",
  "\ud800",
  "]]>",
  "--></svg>",
  "n0 --> n1",
  "`",
  "end",
  "click n0 href",
];

function hostileTrace(names: readonly string[]): Trace {
  return buildTrace(
    names[0] ?? "",
    names.map((name, at) =>
      message(`m${at}`, { at, type: name, from: name, to: [name], ...(at > 0 ? { cause: `m${(at - 1) >> 1}` } : {}) }),
    ),
  );
}

describe("drawings of hostile names", () => {
  it("parse as DOT to the same nodes and edges, without links", async () => {
    const viz = await graphviz();
    const check = (names: readonly string[]): void => {
      const dot = traceDot(hostileTrace(names));
      const graph = viz.renderJSON(dot) as { objects?: Record<string, string>[]; edges?: object[] };
      expect(graph.objects).toHaveLength(names.length);
      expect(graph.edges ?? []).toHaveLength(names.length - 1);
      for (const node of graph.objects ?? [])
        expect(Object.keys(node).filter((key) => /url|href|evil/i.test(key))).toEqual([]);
    };
    check(HOSTILE);
    fc.assert(fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 6 }), check), {
      numRuns: 40,
    });
  });

  it("keep a name's own text in DOT", async () => {
    const viz = await graphviz();
    const { objects } = viz.renderJSON(traceDot(hostileTrace(["\\N<b>"]))) as { objects: { label: string }[] };
    expect(objects[0]?.label).toContain("\\\\N<b>");
  });

  it("add no element to the SVG and no line to the rest", () => {
    const count = (text: string, part: RegExp) => text.match(part)?.length ?? 0;
    const plain = hostileTrace(HOSTILE.map((_, at) => `name${at}`));
    const hostile = hostileTrace(HOSTILE);
    expect(count(traceSvg(hostile), /<\w+/g)).toBe(count(traceSvg(plain), /<\w+/g));
    expect(traceSvg(hostile)).not.toMatch(/<b>|\u202e|\u001b|\ud800/);
    for (const draw of [traceText, traceMermaid, traceDot, traceSvg]) {
      expect(count(draw(hostile), /\n/g)).toBe(count(draw(plain), /\n/g));
      expect(draw(hostile)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(draw(hostile).length).toBeLessThan(30_000);
    }
    expect(traceMermaid(hostile)).not.toMatch(/\["[^"]*"[^\]]/);
  });
});
