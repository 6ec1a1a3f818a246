/** The header that the server gives to a stored message that is read, and to none of its own words. */
export const SEQUENCE = "Nats-Sequence";

/** A name as one token of a subject: letters, digits, `-` and `_` stand for themselves, all else is `=` and its bytes in hex. */
export function tokenOf(name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name;
  return name === ""
    ? "="
    : [...Buffer.from(name)]
        .map((byte) => {
          const sign = String.fromCharCode(byte);
          return /[A-Za-z0-9_-]/.test(sign) ? sign : `=${byte.toString(16).padStart(2, "0")}`;
        })
        .join("");
}

/** The name that a token stands for. */
export function nameOf(token: string): string {
  if (!token.includes("=")) return token;
  if (token === "=") return "";
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at++) {
    if (token[at] === "=") {
      bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(token.charCodeAt(at));
  }
  return Buffer.from(bytes).toString();
}

/** Names of streams and consumers have no `=`; no two tokens become one name. */
function plain(token: string): string {
  return token.replaceAll("_", "__").replaceAll("=", "_x");
}

/** What belongs to one bus in the server. */
export class Names {
  /** Streams: messages, state, logs. */
  readonly messages: string;
  readonly state: string;
  readonly logs: string;
  readonly #root: string;
  readonly #bucket: string;

  constructor(scope: string) {
    const token = tokenOf(scope);
    this.#bucket = `agentwire-${plain(token)}`;
    this.messages = `${this.#bucket}-messages`;
    this.logs = `${this.#bucket}-logs`;
    // As the key-value buckets of all clients are laid out.
    this.state = `KV_${this.#bucket}`;
    this.#root = `agentwire.${token}`;
  }

  /** All subjects of a stream. */
  get allMessages(): string {
    return `${this.#root}.inbox.>`;
  }

  get allState(): string {
    return `$KV.${this.#bucket}.>`;
  }

  get allLogs(): string {
    return `${this.#root}.log.>`;
  }

  /** Where messages of an inbox go: `agentwire.SCOPE.inbox.NAME.LEVEL`, level 0 being `critical`. */
  inbox(name: string, level: number | "*"): string {
    return `${this.#root}.inbox.${tokenOf(name)}.${level}`;
  }

  /** Where the server tells of messages that it has stored. */
  stored(name: string, level: number | "*"): string {
    return `${this.#root}.stored.${tokenOf(name)}.${level}`;
  }

  get allStored(): string {
    return `${this.#root}.stored.>`;
  }

  /** Name and level in a subject of {@link Names.inbox}. */
  inboxIn(subject: string): { readonly inbox: string; readonly level: number } {
    const [token = "", level] = subject.split(".").slice(-2);
    return { inbox: nameOf(token), level: Number(level) };
  }

  /** The durable consumer of a level. */
  consumer(inbox: string, level: number): string {
    return `${plain(tokenOf(inbox))}-${level}`;
  }

  /** Where a key is kept; its segments become tokens. */
  key(key: string): string {
    return `$KV.${this.#bucket}.${path(key)}`;
  }

  keyIn(subject: string): string {
    return unpath(subject.slice(`$KV.${this.#bucket}.`.length));
  }

  /** Subjects of all keys that start with a prefix, and perhaps some more. */
  keysUnder(prefix: string): string {
    const end = prefix.lastIndexOf("/");
    return end < 0 ? this.allState : `$KV.${this.#bucket}.${path(prefix.slice(0, end))}.>`;
  }

  log(name: string): string {
    return `${this.#root}.log.${path(name)}`;
  }

  logIn(subject: string): string {
    return unpath(subject.slice(`${this.#root}.log.`.length));
  }

  logsUnder(prefix: string): string {
    const end = prefix.lastIndexOf("/");
    return end < 0 ? this.allLogs : `${this.#root}.log.${path(prefix.slice(0, end))}.>`;
  }

  signal(topic: string): string {
    return `${this.#root}.signal.${tokenOf(topic)}`;
  }
}

function path(name: string): string {
  return name.split("/").map(tokenOf).join(".");
}

function unpath(subject: string): string {
  return subject.split(".").map(nameOf).join("/");
}
