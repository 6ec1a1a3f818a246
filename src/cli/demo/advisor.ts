import { defineAgent } from "../../agent/definition.ts";
import { AuditStarted, ClassifyLicence } from "./messages.ts";

const FAMILIES: readonly (readonly [family: string, names: RegExp])[] = [
  ["copyleft", /^(AGPL|GPL|SSPL|EUPL|OSL)\b/i],
  ["weak copyleft", /^(LGPL|MPL|EPL|CDDL|MS-RL)\b/i],
  ["public domain", /^(CC0|Unlicense|0BSD|WTFPL|Public Domain|BlueOak)/i],
  ["permissive", /^(MIT|ISC|Apache|BSD|Artistic|Zlib|Python|PSF|X11|CC-BY|BSL|WTFPL|AFL|NCSA|UPL|Apache-2)/i],
];

// From the one that asks least of its users to the one that asks most.
const FREEST_FIRST = ["public domain", "permissive", "weak copyleft", "copyleft", "unknown"];

/** The family of a licence expression: of `OR` the freest part counts, of `AND` the strictest. */
export function familyOf(licence: string): string {
  const text = licence.replace(/[()]/g, " ").trim();
  if (text === "") return "none";
  const ranks = text.split(/\s+OR\s+/i).map((choice) => Math.max(...choice.split(/\s+AND\s+/i).map(rank)));
  return FREEST_FIRST[Math.min(...ranks)] ?? "unknown";
}

function rank(name: string): number {
  const family = FAMILIES.find(([, names]) => names.test(name.trim()))?.[0] ?? "unknown";
  return FREEST_FIRST.indexOf(family);
}

/** Knows which family a licence belongs to; asked by capability, never by name. */
export function advisor() {
  return defineAgent({
    name: "advisor",
    role: "advisor",
    department: "legal",
    capabilities: ["explain-licences"],
    description: "Knows what a licence asks of its users",
    concurrency: 8,
  })
    .on(AuditStarted, () => {})
    .on(ClassifyLicence, ({ payload }) => ({ family: familyOf(payload.licence) }));
}
