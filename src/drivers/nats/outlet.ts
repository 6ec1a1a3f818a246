/** What of the client library takes commands of its protocol. */
export interface CommandTaker {
  sendCommand(command: Uint8Array): void;
}

const MOST_GATHERED = 64 * 1024;

/** Gathers what is published in one go into one command: the library would make several pieces of each. */
export class Outlet {
  readonly #taker: CommandTaker;
  #text = "";
  readonly #flush = (): void => this.flush();

  constructor(taker: CommandTaker) {
    this.#taker = taker;
  }

  /** Sends a message without headers. */
  publish(subject: string, payload: string, reply: string | undefined): void {
    if (this.#text === "") queueMicrotask(this.#flush);
    const about = reply === undefined ? subject : `${subject} ${reply}`;
    this.#text += `PUB ${about} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`;
    if (this.#text.length >= MOST_GATHERED) this.flush();
  }

  /** To be called before anything else is sent. */
  flush(): void {
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#taker.sendCommand(Buffer.from(text));
  }
}
