import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Bus } from "../../connected-bus.ts";
import { AgentwireError } from "../../errors.ts";
import { type Duration, parseDuration } from "../../message/duration.ts";
import { type CommonOptions, withBus } from "../connection.ts";
import { askAgents } from "../doctor/ask-agents.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkInbox } from "../doctor/inbox-checks.ts";
import { checkLetters } from "../doctor/letter-checks.ts";
import { EXIT } from "../fault.ts";
import { type Output, standardOutput } from "../output.ts";
import { plainText } from "../terminal/plain-text.ts";

/** Faults of the engine that the doctor tells as findings. */
const ENGINE_FAULTS: readonly string[] = [
  "ENGINE_STATE",
  "STORE_CORRUPT",
  "STORE_READ_ONLY",
  "STORAGE_FULL",
  "VERSION_UNSUPPORTED",
  "DRIVER_MISSING",
  "DURABILITY_UNMET",
];
const DAY = 86_400_000;
const PEEK = 100;

/** `agentwire doctor` */
export function doctorCommand(program: Command): void {
  program
    .command("doctor")
    .option("--watch <duration>", "how long inboxes are watched for growth", "2s")
    .option("--timeout <duration>", "how long an agent may take to answer", "2s")
    .description(
      "Look for what is wrong: stuck or orphaned messages, backlogs, poison, silent agents, clocks, engine settings",
    )
    .addHelpText(
      "after",
      "\nExits with 1 when it finds a problem.\n\nExamples:\n  agentwire doctor\n  agentwire doctor --watch 10s --json\n",
    )
    .action(async (options: { watch: string; timeout: string }, command: Command) => {
      const watch = parseDuration(options.watch as Duration, { name: "--watch", min: 0 });
      const timeout = parseDuration(options.timeout as Duration, { name: "--timeout", min: 1 });
      try {
        await withBus(command, async (bus, output) => tell(await examine(bus, watch, timeout), output));
      } catch (error) {
        if (!AgentwireError.is(error) || !ENGINE_FAULTS.includes(error.code)) throw error;
        const finding: Finding = {
          level: "problem",
          check: "engine",
          subject: error.code,
          what: error.message,
          advice: error.hint,
        };
        tell([finding], standardOutput(command.optsWithGlobals<CommonOptions>().json));
      }
    });
}

async function examine(bus: Bus, watch: number, timeout: number): Promise<Finding[]> {
  const agents = await bus.agents.list();
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const before = new Map((await bus.inboxes.list()).map((inbox) => [inbox.name, inbox]));
  await sleep(watch);
  const found: Finding[] = [...checkDurability(bus)];
  for (const { name } of await bus.inboxes.list()) {
    const after = await bus.inboxes.get(name, { peek: PEEK });
    if (after)
      found.push(...checkInbox({ before: before.get(name) ?? after, after, agent: byName.get(name), now: Date.now() }));
  }
  found.push(...checkLetters(await bus.deadLetters.list({ since: Date.now() - DAY })));
  found.push(...(await askAgents(bus, agents, timeout)));
  return found;
}

function checkDurability(bus: Bus): Finding[] {
  const { driver, durability } = bus.guarantees();
  if (durability.class === "power" || durability.class === "replicated") return [];
  const advice =
    durability.class === "none"
      ? "Use sqlite: where messages have to survive."
      : 'Ask for more with `connect(url, { require: "power" })` and set the engine accordingly.';
  return [
    {
      level: "note",
      check: "durability",
      subject: driver,
      what: `messages survive as "${durability.class}": ${durability.reason}`,
      advice,
    },
  ];
}

function tell(findings: readonly Finding[], output: Output): void {
  const problems = findings.filter((finding) => finding.level === "problem").length;
  const { style } = output;
  output.show({ problems, findings }, () => [
    ...findings.flatMap(({ level, subject, what, advice }) => [
      `${level === "problem" ? style.bad("problem") : style.note("note   ")} ${style.bold(plainText(subject))}: ${plainText(what)}`,
      `        ${plainText(advice)}`,
    ]),
    problems === 0
      ? style.good("No problem was found.")
      : style.bad(`${problems} ${problems === 1 ? "problem" : "problems"} found.`),
  ]);
  if (problems > 0) process.exitCode = EXIT.failed;
}
