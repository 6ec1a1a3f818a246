import type { Socket } from "node:net";

/** A new copy in an inbox that only the receiver hands out. */
export interface ForwardedCopy {
  /** Scoped name. */
  readonly inbox: string;
  readonly inboxId: number;
  readonly slot: number;
  /** The stored form of the envelope. */
  readonly body: string;
}

/** What one process tells another: one line of JSON each. */
export interface Frame {
  /** Who speaks: the first frame each way. */
  readonly hello?: string;
  /** Scoped names of the inboxes that it consumes and of the topics it listens to: all of them, each time they change. */
  readonly inboxes?: readonly string[];
  readonly topics?: readonly string[];
  /** Topics that were new to the speaker in the other's last list: what it did before, it could not signal. */
  readonly noted?: readonly string[];
  /** Scoped names of inboxes with something new. */
  readonly wake?: readonly string[];
  /** Copies that were committed into inboxes of the receiver, so that it need not look for them. */
  readonly forward?: readonly ForwardedCopy[];
  /** Copies that the receiver holds and that were cancelled. */
  readonly revoke?: readonly { readonly claimId: number; readonly slot: number; readonly end: string }[];
  readonly signal?: { readonly topic: string; readonly data: unknown };
}

/** What a link tells its mesh. */
export interface LinkListener {
  hello(link: Link): void;
  /** The other consumes or listens to what it did not before. */
  interested(inboxes: readonly string[], topics: readonly string[]): void;
  frame(frame: Frame): void;
  closed(link: Link): void;
}

// A peer that does not read loses wake-ups and signals, which its sweep makes good; it must not fill our memory.
const MOST_UNSENT = 4 * 1024 * 1024;
const LONGEST_LINE = 16 * 1024 * 1024;
// A peer that is behind is only woken: what it is sent must not push its wake-ups out.
const MOST_UNSENT_TO_FORWARD = 256 * 1024;

/** One connection to another process that has the file open. */
export class Link {
  /** The other's id; empty until it said hello. */
  peer = "";
  inboxes: ReadonlySet<string> = new Set();
  topics: ReadonlySet<string> = new Set();
  readonly #socket: Socket;
  readonly #listener: LinkListener;
  #pending: string[] = [];
  #pendingLength = 0;

  constructor(socket: Socket, listener: LinkListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.unref();
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => this.#receive(String(chunk)));
    // An error is always followed by close, which says all there is to say.
    socket.on("error", () => {});
    socket.on("close", () => listener.closed(this));
  }

  send(frame: Frame): void {
    if (this.#socket.writable && this.#socket.writableLength < MOST_UNSENT)
      this.#socket.write(`${JSON.stringify(frame)}\n`);
  }

  /** Whether the peer reads fast enough to be sent more than wake-ups. */
  get keepsUp(): boolean {
    return this.#socket.writableLength < MOST_UNSENT_TO_FORWARD;
  }

  /** Hangs up; what the other does not take now is lost. */
  close(): void {
    if (this.#socket.writableLength === 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #receive(chunk: string): void {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
      this.#pending.push(chunk.slice(start, end));
      const line = this.#pending.join("");
      this.#pending = [];
      this.#pendingLength = 0;
      start = end + 1;
      this.#read(line);
    }
    this.#pending.push(chunk.slice(start));
    this.#pendingLength += chunk.length - start;
    if (this.#pendingLength > LONGEST_LINE) this.#socket.destroy();
  }

  #read(line: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(line) as Frame;
    } catch {
      this.#socket.destroy();
      return;
    }
    if (typeof frame !== "object" || frame === null) return;
    const { inboxes, topics } = this;
    if (Array.isArray(frame.inboxes)) this.inboxes = new Set(frame.inboxes as string[]);
    if (Array.isArray(frame.topics)) this.topics = new Set(frame.topics as string[]);
    if (typeof frame.hello === "string") {
      this.peer = frame.hello;
      this.#listener.hello(this);
      return;
    }
    const newInboxes = added(inboxes, this.inboxes);
    const newTopics = added(topics, this.topics);
    if (newInboxes.length + newTopics.length > 0) this.#listener.interested(newInboxes, newTopics);
    this.#listener.frame(frame);
  }
}

function added(before: ReadonlySet<string>, now: ReadonlySet<string>): string[] {
  return before === now ? [] : [...now].filter((name) => !before.has(name));
}
