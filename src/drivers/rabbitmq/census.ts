import type { Session } from "./session.ts";
import type { Signals } from "./signals.ts";

/** What a process has of an inbox that nobody has asked for yet. */
export interface Kept {
  readonly messages: number;
  /** Its consumers on the queues of the inbox. */
  readonly consumers: number;
}

interface Question {
  readonly from: string;
  readonly id: number;
  readonly inbox: string;
}

interface Answer extends Kept {
  readonly id: number;
}

interface Asked {
  messages: number;
  missing: number;
  done(): void;
}

/** Topic of questions, and the beginning of those of answers. */
const TOPIC = "$kept";
/** A process that has not answered by then is busy or dead: what it has is not counted. */
const MOST_TO_ANSWER = 100;

/**
 * Counts what other processes have taken and not handed out: the server tells only how much it has given to nobody. Asked
 * for when somebody looks, and not kept otherwise.
 */
export class Census {
  readonly #session: Session;
  readonly #signals: Signals;
  readonly #own: (inbox: string) => Promise<Kept>;
  readonly #asked = new Map<number, Asked>();
  #ids = 0;

  constructor(session: Session, signals: Signals, own: (inbox: string) => Promise<Kept>) {
    this.#session = session;
    this.#signals = signals;
    this.#own = own;
  }

  /** Hears questions, and answers to its own. */
  async open(): Promise<void> {
    await Promise.all([this.#signals.hear(TOPIC), this.#signals.hear(this.#answers)]);
  }

  /** How much all processes have of an inbox, on whose queues there are so many consumers. */
  async count(inbox: string, consumers: number): Promise<number> {
    const own = await this.#own(inbox);
    const missing = consumers - own.consumers;
    if (missing <= 0) return own.messages;
    const id = ++this.#ids;
    const { peer, context } = this.#session;
    const asked: Asked = { messages: 0, missing, done: () => {} };
    const answered = new Promise<void>((resolve) => {
      asked.done = resolve;
    });
    this.#asked.set(id, asked);
    this.#signals.send(TOPIC, JSON.stringify({ from: peer, id, inbox } satisfies Question));
    const timer = context.clock.after(MOST_TO_ANSWER, asked.done);
    await this.#session.awaited(answered);
    timer.cancel();
    this.#asked.delete(id);
    return own.messages + asked.messages;
  }

  /** Takes a signal, if it is one of these. */
  signalled(topic: string, data: string): boolean {
    if (topic === TOPIC) void this.#answer(JSON.parse(data) as Question);
    else if (topic === this.#answers) this.#note(JSON.parse(data) as Answer);
    else return false;
    return true;
  }

  get #answers(): string {
    return `${TOPIC}/${this.#session.peer}`;
  }

  async #answer({ from, id, inbox }: Question): Promise<void> {
    if (from === this.#session.peer) return;
    const own = await this.#own(inbox);
    if (own.consumers > 0 || own.messages > 0)
      this.#signals.send(`${TOPIC}/${from}`, JSON.stringify({ id, ...own } satisfies Answer));
  }

  #note({ id, messages, consumers }: Answer): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    asked.messages += messages;
    asked.missing -= consumers;
    if (asked.missing <= 0) asked.done();
  }
}
