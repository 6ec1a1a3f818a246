import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** Signals that a process which does not read may leave behind; more push the oldest out. */
const MOST_UNREAD = 10_000;

interface Hearing {
  readonly connection: Connection;
  bind(topic: string): Promise<unknown>;
  unbind(topic: string): void;
}

/** Signals to and from all processes, this one included: an exchange that is not stored, and a queue for each process. */
export class Signals {
  readonly #session: Session;
  readonly #topics = new Set<string>();
  readonly #arrived: (topic: string, data: string) => void;
  #hearing: Hearing | undefined;

  constructor(session: Session, arrived: (topic: string, data: string) => void) {
    this.#session = session;
    this.#arrived = arrived;
    session.attach({
      connected: (connection) => this.#connect(connection),
      lost: () => {
        this.#hearing = undefined;
      },
    });
  }

  send(topic: string, data: string): void {
    const { connection, names, peer, blocked } = this.#session;
    if (connection && blocked === undefined) {
      try {
        const options = { appId: peer, headers: { topic }, persistent: false };
        connection.signals.publish(names.signals, names.topic(topic), Buffer.from(data), options);
      } catch {
        // The connection has just been lost; a signal may be.
      }
    }
    if (this.#topics.has(topic)) queueMicrotask(() => this.#arrived(topic, data));
  }

  /** Resolves when the topic is heard; without a connection it is with the next one. */
  async hear(topic: string): Promise<void> {
    this.#topics.add(topic);
    const hearing = this.#hearing;
    if (hearing) await this.#session.within(hearing.connection, hearing.bind(topic)).catch(() => {});
  }

  unhear(topic: string): void {
    this.#topics.delete(topic);
    this.#hearing?.unbind(topic);
  }

  async #connect(connection: Connection): Promise<void> {
    const { names, peer } = this.#session;
    const channel = await connection.channel();
    await channel.assertExchange(names.signals, "direct", { durable: false });
    const { queue } = await channel.assertQueue("", {
      exclusive: true,
      durable: false,
      autoDelete: true,
      maxLength: MOST_UNREAD,
    });
    const bind = (topic: string): Promise<unknown> => channel.bindQueue(queue, names.signals, names.topic(topic));
    await Promise.all([...this.#topics].map(bind));
    await channel.consume(
      queue,
      (signal) => {
        // Its own was told at once.
        if (!signal || signal.properties.appId === peer) return;
        const topic = String(signal.properties.headers?.["topic"]);
        if (this.#topics.has(topic)) this.#arrived(topic, signal.content.toString());
      },
      { noAck: true },
    );
    const unbind = (topic: string): void => {
      try {
        channel.unbindQueue(queue, names.signals, names.topic(topic)).catch(() => {});
      } catch {
        // The connection has just been lost, and its bindings with it.
      }
    };
    this.#hearing = { connection, bind, unbind };
  }
}
