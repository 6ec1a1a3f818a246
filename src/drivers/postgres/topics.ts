import type { Row, Session, Statement } from "./connection.ts";

/** Told with what another session said on a topic, as it came. */
export type Hearer = (data: string, isOwn: boolean) => void;

/** What topics need of the connection. */
export interface Line {
  /** This process's id among the peers. */
  readonly peer: number;
  channelOf(topic: string): string;
  listen(channel: string, listener: Hearer): Promise<void>;
  unlisten(channel: string): Promise<void>;
  call(what: string, statement: Statement): Promise<readonly Row[]>;
}

/** Topics that this process listens to: a row for each, so that nobody speaks where nobody listens, and a channel. */
export class Topics {
  readonly #line: Line;
  readonly #hearers = new Map<string, Set<Hearer>>();
  /** The last step under way for each topic. */
  readonly #steps = new Map<string, Promise<void>>();

  constructor(line: Line) {
    this.#line = line;
  }

  /** Listens to a scoped topic; `begun` is told once others know. */
  hear(topic: string, hearer: Hearer, begun?: () => void): () => void {
    const hearers = this.#hearers.get(topic) ?? new Set();
    this.#hearers.set(topic, hearers);
    hearers.add(hearer);
    const ready = hearers.size === 1 ? this.#after(topic, () => this.#begin(topic)) : this.#steps.get(topic);
    void (ready ?? Promise.resolve()).then(begun, () => {});
    return () => {
      if (!hearers.delete(hearer) || hearers.size > 0) return;
      this.#hearers.delete(topic);
      this.#after(topic, () => this.#stop(topic)).catch(() => {});
    };
  }

  isHeard(topic: string): boolean {
    return this.#hearers.has(topic);
  }

  /** Tells the others again after a connection was lost. */
  async restore(session: Session): Promise<void> {
    await session.query({
      text: "INSERT INTO listener (topic, peer) SELECT t, $2 FROM unnest($1::text[]) t ON CONFLICT DO NOTHING",
      values: [[...this.#hearers.keys()], this.#line.peer],
    });
  }

  clear(): void {
    this.#hearers.clear();
  }

  async #begin(topic: string): Promise<void> {
    if (!this.#hearers.has(topic)) return;
    await this.#line.listen(this.#line.channelOf(topic), (data, isOwn) => this.#heard(topic, data, isOwn));
    await this.#line.call("Listening", {
      text: "INSERT INTO listener (topic, peer) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      values: [topic, this.#line.peer],
    });
  }

  async #stop(topic: string): Promise<void> {
    if (this.#hearers.has(topic)) return;
    await this.#line.call("Listening", {
      text: "DELETE FROM listener WHERE topic = $1 AND peer = $2",
      values: [topic, this.#line.peer],
    });
    await this.#line.unlisten(this.#line.channelOf(topic));
  }

  #after(topic: string, step: () => Promise<void>): Promise<void> {
    const next = (this.#steps.get(topic) ?? Promise.resolve()).catch(() => {}).then(step);
    this.#steps.set(topic, next);
    const done = (): void => {
      if (this.#steps.get(topic) === next) this.#steps.delete(topic);
    };
    next.then(done, done);
    return next;
  }

  async #heard(topic: string, data: string, isOwn: boolean): Promise<void> {
    let text = data;
    if (data.startsWith("#")) {
      const statement = { text: "SELECT data FROM long_signal WHERE id = $1", values: [data.slice(1)] };
      const rows = await this.#line.call("Reading a signal", statement).catch(() => []);
      if (rows.length === 0) return;
      text = rows[0]?.["data"] as string;
    }
    for (const hearer of [...(this.#hearers.get(topic) ?? [])]) hearer(text, isOwn);
  }
}
