import { createHash } from "node:crypto";
import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Forwarding } from "./forwarded.ts";
import { type ForwardedCopy, type Frame, Link } from "./link.ts";

/** What the mesh tells the session. */
export interface MeshListener {
  /** Inboxes, by scoped name, may have something new. */
  woken(inboxes: readonly string[]): void;
  /** Copies were put into inboxes that only this process hands out. */
  forwarded(copies: readonly ForwardedCopy[]): void;
  revoked(revocations: NonNullable<Frame["revoke"]>): void;
  signalled(topic: string, data: unknown): void;
  /** A peer has come to know that this process listens to these topics. */
  noted(topics: readonly string[]): void;
  /** A peer hung up, in peace or not. */
  gone(peer: string): void;
}

const CONNECT_TIMEOUT = 500;
// The address of a unix socket has room for about a hundred bytes.
const LONGEST_PATH = 100;

/** Where a process listens, from the database's path and its own id. */
export function socketPath(database: string, peer: string): string {
  const name = `agentwire-${createHash("sha256").update(`${database}\n${peer}`).digest("hex").slice(0, 20)}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}`;
  const path = join(tmpdir(), `${name}.sock`);
  return Buffer.byteLength(path) <= LONGEST_PATH ? path : join("/tmp", `${name}.sock`);
}

/**
 * Connects all processes that have the file open, so that they can wake each other and pass signals on. Losing it
 * loses nothing that matters. Nothing here keeps a process alive.
 */
export class Mesh {
  readonly #self: string;
  readonly #path: string;
  readonly #listener: MeshListener;
  readonly #links = new Set<Link>();
  readonly #inboxes = new Map<string, number>();
  readonly #topics = new Map<string, number>();
  #server: Server | undefined;
  #announcing = false;
  #closed = false;

  constructor(self: string, path: string, listener: MeshListener) {
    this.#self = self;
    this.#path = path;
    this.#listener = listener;
  }

  /** Starts to listen. Where that fails the process goes without wake-ups, and is still told by its sweep. */
  async listen(): Promise<boolean> {
    const server = createServer((socket) => this.#adopt(socket));
    server.unref();
    const listening = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(this.#path, () => resolve(true));
    });
    if (!listening) return false;
    server.on("error", () => {});
    if (process.platform !== "win32") chmodSync(this.#path, 0o600);
    this.#server = server;
    return true;
  }

  /** Connects to a peer; resolves when both have said hello, or it did not answer. */
  async connect(path: string): Promise<boolean> {
    const socket = connect(path);
    const hasAnswered = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CONNECT_TIMEOUT);
      const done = (answered: boolean): void => {
        clearTimeout(timer);
        resolve(answered);
      };
      this.#adopt(socket, () => done(true));
      socket.once("close", () => done(false));
    });
    if (!hasAnswered) socket.destroy();
    return hasAnswered;
  }

  /** Ids of the peers that are connected. */
  peers(): Set<string> {
    return new Set([...this.#links].map((link) => link.peer));
  }

  /** This process consumes an inbox, or one more time; `false`: one time less. */
  consumes(inbox: string, yes: boolean): void {
    if (count(this.#inboxes, inbox, yes)) this.#announce();
  }

  /** This process listens to a topic, or one more time; `false`: one time less. */
  listens(topic: string, yes: boolean): void {
    if (count(this.#topics, topic, yes)) this.#announce();
  }

  /** Wakes the peers that consume one of the inboxes. `forwards`: by inbox, what its owner is sent in place of a wake-up. */
  wake(inboxes: ReadonlySet<string>, forwards: ReadonlyMap<string, Forwarding>): void {
    for (const link of this.#links) {
      const wake = [...inboxes].filter((inbox) => link.inboxes.has(inbox));
      const forward: ForwardedCopy[] = [];
      for (const [inbox, { owner, copies }] of forwards) {
        if (!link.inboxes.has(inbox)) continue;
        if (owner === link.peer && link.keepsUp) forward.push(...copies);
        else wake.push(inbox);
      }
      if (forward.length > 0) link.send(wake.length > 0 ? { wake, forward } : { forward });
      else if (wake.length > 0) link.send({ wake });
    }
  }

  revoke(peer: string, revoke: NonNullable<Frame["revoke"]>): void {
    for (const link of this.#links) if (link.peer === peer) link.send({ revoke });
  }

  /** Passes a signal on to the peers that listen. */
  signal(topic: string, data: unknown): void {
    for (const link of this.#links) if (link.topics.has(topic)) link.send({ signal: { topic, data } });
  }

  /** Whether another process listens to a topic. */
  isHeard(topic: string): boolean {
    for (const link of this.#links) if (link.topics.has(topic)) return true;
    return false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const link of this.#links) link.close();
    const server = this.#server;
    if (!server) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (process.platform !== "win32") removeSocket(this.#path);
  }

  #adopt(socket: Socket, hello = (): void => {}): void {
    const link = new Link(socket, {
      hello,
      // What this process did before it knew of the interest went unheard: the other looks for itself.
      interested: (inboxes, topics) => link.send({ wake: inboxes, noted: topics }),
      frame: (frame) => this.#take(frame),
      closed: () => {
        this.#links.delete(link);
        if (!this.#closed && link.peer !== "") this.#listener.gone(link.peer);
      },
    });
    this.#links.add(link);
    link.send({ hello: this.#self, ...this.#interests() });
  }

  #take(frame: Frame): void {
    if (this.#closed) return;
    if (Array.isArray(frame.forward)) this.#listener.forwarded(frame.forward);
    if (Array.isArray(frame.wake)) this.#listener.woken(frame.wake);
    if (Array.isArray(frame.revoke)) this.#listener.revoked(frame.revoke);
    if (Array.isArray(frame.noted)) this.#listener.noted(frame.noted);
    if (frame.signal) this.#listener.signalled(frame.signal.topic, frame.signal.data);
  }

  #interests(): Frame {
    return { inboxes: [...this.#inboxes.keys()], topics: [...this.#topics.keys()] };
  }

  // Once per turn, however many consumers start in it.
  #announce(): void {
    if (this.#announcing || this.#links.size === 0) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      const interests = this.#interests();
      for (const link of this.#links) link.send(interests);
    });
  }
}

/** Counts up or down; true when it came into being or went. */
function count(counts: Map<string, number>, name: string, up: boolean): boolean {
  const before = counts.get(name) ?? 0;
  const after = before + (up ? 1 : -1);
  if (after > 0) counts.set(name, after);
  else counts.delete(name);
  return (before === 0) !== after <= 0;
}

/** Removes a socket's file that nobody listens on any more. */
export function removeSocket(path: string): void {
  if (process.platform === "win32" || path === "") return;
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
