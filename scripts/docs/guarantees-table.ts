import { type DriverName, GUARANTEES, type GuaranteeId, gapOf } from "../../src/testing/guarantees.ts";

const DRIVERS: readonly DriverName[] = ["memory", "sqlite", "redis", "postgres", "nats", "rabbitmq"];

/** A Markdown table of guarantees: what each says and which driver keeps it, with the reasons of those that do not. */
export function guaranteesTable(ids: readonly GuaranteeId[]): string {
  const reasons: string[] = [];
  const mark = (driver: DriverName, id: GuaranteeId): string => {
    const gap = gapOf(driver, id);
    if (gap === undefined) return "yes";
    if (!reasons.includes(gap)) reasons.push(gap);
    return `no <sup>${reasons.indexOf(gap) + 1}</sup>`;
  };
  const rows = ids.map((id) => {
    const marks = DRIVERS.map((driver) => mark(driver, id));
    return `| ${id} | ${GUARANTEES[id].says.replaceAll("|", "\\|")} | ${marks.join(" | ")} |`;
  });
  const notes = reasons.map((reason, at) => `<sup>${at + 1}</sup> ${reason}`).join("<br>\n");
  const head = `| | promise | ${DRIVERS.join(" | ")} |\n|---|---|${DRIVERS.map(() => "---|").join("")}`;
  return `${head}\n${rows.join("\n")}\n${notes === "" ? "" : `\n${notes}\n`}`;
}

const ids = Object.keys(GUARANTEES) as GuaranteeId[];

/** The table of the README: the numbered promises. */
export const promisesTable = (): string => guaranteesTable(ids.filter((id) => /^G\d+$/.test(id)));

/** docs/guarantees.md: every guarantee, by the suite that proves it. */
export function guaranteesPage(): string {
  const of = (level: string): string => guaranteesTable(ids.filter((id) => GUARANTEES[id].level === level));
  return `# Guarantees

Every promise has an id. A driver that claims it is held to it by the conformance suites of \`agentwire/testing\`; what a
driver does not keep is declared here, with the reason. \`bus.guarantees()\` reports the durability class that is really in
force, read from the running engine.

## Messages

${of("broker")}
## State and journal

${of("store")}
## The whole bus

${of("bus")}`;
}
