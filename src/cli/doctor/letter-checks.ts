import type { StoredDeadLetter } from "../../bus/dead-letters.ts";
import type { Finding } from "./finding.ts";

/** What dead letters tell: by agent, how many and why; those that killed their process stand out. */
export function checkLetters(letters: readonly StoredDeadLetter[]): Finding[] {
  const byAgent = new Map<string, StoredDeadLetter[]>();
  for (const letter of letters) byAgent.set(letter.recipient, [...(byAgent.get(letter.recipient) ?? []), letter]);
  return [...byAgent].flatMap(([subject, own]): Finding[] => {
    const codes = [...new Set(own.map((letter) => letter.code))].join(", ");
    const killers = own.filter((letter) => letter.code === "ATTEMPTS_EXHAUSTED");
    return [
      {
        level: "note",
        check: "dead-letters",
        subject,
        what: `${own.length} dead letters (${codes})`,
        advice: `Look at them with \`agentwire dead-letters list --agent ${subject}\`.`,
      },
      ...killers.map(
        (letter): Finding => ({
          level: "problem",
          check: "poison",
          subject,
          what: `message ${letter.message.id} of type ${letter.message.type} ended each process that held it`,
          advice: "Mend the handler, then `agentwire dead-letters replay`.",
        }),
      ),
    ];
  });
}
