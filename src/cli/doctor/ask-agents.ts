import { StatusQuery, type StatusReport } from "../../agent/built-in.ts";
import type { Bus } from "../../connected-bus.ts";
import { AgentwireError } from "../../errors.ts";
import type { AgentInfo } from "../../registry/record.ts";
import type { Finding } from "./finding.ts";
import { checkVersions } from "./version-check.ts";

/** Clocks may differ by so many milliseconds. */
const TOLERANCE = 250;
/** At most so many agents are asked. */
const MOST = 50;

/** Asks agents that are there for their status: whether they answer, whether their clock is right, what they run on. */
export async function askAgents(bus: Bus, agents: readonly AgentInfo[], timeout: number): Promise<Finding[]> {
  const there = agents.filter((agent) => agent.status !== "offline" && agent.status !== "stale").slice(0, MOST);
  const answers = await Promise.all(there.map((agent) => ask(bus, agent.name, timeout)));
  return [
    ...answers.flatMap(({ findings }) => findings),
    ...checkVersions(answers.flatMap(({ report }) => report ?? [])),
  ];
}

interface Answer {
  readonly report?: StatusReport;
  readonly findings: readonly Finding[];
}

async function ask(bus: Bus, subject: string, timeout: number): Promise<Answer> {
  const start = Date.now();
  try {
    const report = await bus.request(StatusQuery, {}, { to: subject, timeout, ttl: timeout, priority: "critical" });
    return { report, findings: checkClock(report, { start, end: Date.now() }) };
  } catch (error) {
    if (!AgentwireError.is(error)) throw error;
    const finding: Finding = {
      level: "problem",
      check: "silent",
      subject,
      what: `it gave no answer within ${timeout} ms (${error.code})`,
      advice: "Look whether its handlers hang or its queue is long: `agentwire inbox NAME`.",
    };
    return { findings: [finding] };
  }
}

/** Whether the answer was given between the asking and its arrival; outside of that, and of the tolerance, the clocks differ. */
function checkClock({ agent, time }: StatusReport, { start, end }: { start: number; end: number }): Finding[] {
  const skew = time < start ? time - start : time > end ? time - end : 0;
  if (Math.abs(skew) <= TOLERANCE) return [];
  return [
    {
      level: "problem",
      check: "clock",
      subject: agent,
      what: `its clock is ${Math.abs(skew)} ms ${skew > 0 ? "ahead of" : "behind"} the one here`,
      advice: "Let both machines take their time from the same server.",
    },
  ];
}
