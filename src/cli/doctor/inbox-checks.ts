import type { InboxStatus } from "../../broker/inbox.ts";
import type { AgentInfo } from "../../registry/record.ts";
import { age } from "../terminal/age.ts";
import type { Finding } from "./finding.ts";

/** One inbox at two moments. */
export interface InboxLooks {
  readonly before: InboxStatus;
  readonly after: InboxStatus;
  /** Undefined when nobody of that name is registered. */
  readonly agent: AgentInfo | undefined;
  /** Wall milliseconds of the second look. */
  readonly now: number;
}

/** A copy that is held for longer than this is stuck, in milliseconds. */
const LONG_HELD = 5 * 60_000;
/** A backlog counts from so many messages. */
const LARGE = 100;
/** A message that was handed out so often is suspect. */
const MANY_HAND_OFFS = 3;
const NEARLY_FULL = 0.8;

/** What is wrong with one inbox. */
export function checkInbox(looks: InboxLooks): Finding[] {
  return [...checkTakers(looks), ...checkGrowth(looks), ...checkHeld(looks), ...checkPoison(looks)];
}

function checkTakers({ after, agent, now }: InboxLooks): Finding[] {
  const { name: subject, waiting, delayed, paused, consumers, oldest } = after;
  const due = waiting - delayed;
  const since = oldest === undefined ? "" : `, the oldest for ${age(oldest, now)}`;
  if (due === 0) return [];
  if (paused)
    return [
      {
        level: "problem",
        check: "paused",
        subject,
        what: `${due} messages wait and the inbox is paused${since}`,
        advice: "Resume it with `bus.inboxes.resume(name)`.",
      },
    ];
  if (agent === undefined) {
    return [
      {
        level: "problem",
        check: "orphan",
        subject,
        what: `${due} messages wait for an agent that nobody has registered${since}`,
        advice: "Start the agent, or purge the inbox with `bus.inboxes.purge(name)`.",
      },
    ];
  }
  if (consumers > 0) return [];
  return [
    {
      level: "problem",
      check: "backlog",
      subject,
      what: `${due} messages wait and no instance takes them${since}`,
      advice: "Start an instance of the agent.",
    },
  ];
}

function checkGrowth({ before, after }: InboxLooks): Finding[] {
  const { name: subject, waiting, capacity } = after;
  const found: Finding[] = [];
  if (waiting >= capacity * NEARLY_FULL) {
    found.push({
      level: "problem",
      check: "capacity",
      subject,
      what: `it holds ${waiting} of ${capacity} messages`,
      advice: "Add instances of the agent, or raise its `capacity`.",
    });
  }
  const grown = waiting - before.waiting;
  if (waiting >= LARGE && grown > 0 && after.consumers > 0) {
    const came = after.accepted - before.accepted;
    found.push({
      level: "problem",
      check: "backlog",
      subject,
      what: `${waiting} messages wait and ${came} came while ${came - grown} were done`,
      advice: "Add instances of the agent, or raise its `concurrency`.",
    });
  }
  return found;
}

function checkHeld({ after, now }: InboxLooks): Finding[] {
  const held = (after.messages ?? []).filter(
    (one) => one.state === "held" && one.offeredAt !== undefined && now - one.offeredAt > LONG_HELD,
  );
  return held.map(({ message, instance, offeredAt }) => ({
    level: "problem",
    check: "stuck",
    subject: after.name,
    what: `message ${message.id} is held by ${instance ?? "an unknown instance"} for ${age(offeredAt ?? now, now)}`,
    advice: "Look whether its handler hangs; a handler that heeds `ctx.signal` ends at `handlerTimeout`.",
  }));
}

function checkPoison({ after }: InboxLooks): Finding[] {
  const often = (after.messages ?? []).filter((one) => one.attempt >= MANY_HAND_OFFS);
  return often.map(({ message, attempt }) => ({
    level: "problem",
    check: "poison",
    subject: after.name,
    what: `message ${message.id} of type ${message.type} was handed out ${attempt} times and is not done`,
    advice: "Read the log of its handler; withdraw it with `bus.withdraw(id)` if it cannot be handled.",
  }));
}
