import { createHash } from "node:crypto";
import { PRIORITIES } from "../../message/envelope.ts";

/** What the engine takes. */
const LONGEST = 255;

/** Names in the engine, all of them under the scope of one bus. */
export class Names {
  readonly #scope: string;

  constructor(scope: string) {
    this.#scope = scope;
  }

  /** The queue of one level of an inbox: `agentwire/NAMESPACE/TENANT/INBOX/PRIORITY`. */
  queue(inbox: string, level: number): string {
    return this.#name(`${inbox}/${PRIORITIES[level]}`);
  }

  /** The exchange of all signals. */
  get signals(): string {
    return this.#name("$signals");
  }

  /** What a topic is called there. */
  topic(topic: string): string {
    return shortened(topic);
  }

  #name(rest: string): string {
    return shortened(`agentwire/${this.#scope}/${rest}`);
  }
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  return `agentwire/${createHash("sha256").update(name).digest("hex")}`;
}
