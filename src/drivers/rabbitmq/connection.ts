import type { Duplex } from "node:stream";
import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import type { Clock } from "../../internal/clock.ts";
import { readAuthorities } from "../certificates.ts";
import type { ClientLibrary } from "./client-library.ts";
import { connectError } from "./faults.ts";
import { GATHERED, gatherWrites } from "./gathered-writes.ts";
import type { RabbitmqOptions } from "./options.ts";

/** What a connection needs around it. */
export interface ConnectionParts {
  readonly clock: Clock;
  /** Does what has to be done before a new connection is used. */
  prepare(connection: Connection): Promise<void>;
  lost(cause: unknown): void;
  /** The server takes nothing to store for now, and says why; or takes it again. */
  blocked(reason: string | undefined): void;
}

/** Until a connection is ready for use, at most so long in all, and in silence. */
const MOST_TO_CONNECT = 10_000;
const MOST_SILENT = 5_000;
/** Seconds. A peer that has vanished is noticed after two to three of them. */
const HEARTBEAT = 6;

/** What the library has, and its types do not tell. */
interface Inside {
  readonly stream: Duplex & { unref?(): void };
  readonly heartbeater?: { readonly sendTimer?: NodeJS.Timeout; readonly recvTimer?: NodeJS.Timeout } | null;
}

/**
 * Two connections to one server, made and lost together. While it is short of memory or disk, the server reads nothing
 * from a connection that publishes; what acknowledges and takes goes over the other one.
 */
export class Connection {
  /** The server's version. */
  readonly version: string;
  /** For what is stored, confirmed. */
  readonly stores: ConfirmChannel;
  /** For signals. */
  readonly signals: Channel;
  readonly #models: readonly [ChannelModel, ChannelModel];
  readonly #lost: (cause: unknown) => void;
  #isLeft = false;

  private constructor(
    models: readonly [ChannelModel, ChannelModel],
    channels: { readonly stores: ConfirmChannel; readonly signals: Channel },
    lost: (cause: unknown) => void,
  ) {
    this.#models = models;
    this.#lost = lost;
    this.stores = channels.stores;
    this.signals = channels.signals;
    this.version = models[0].connection.serverProperties.version;
  }

  /** Connects and prepares, within 10 s in all. @throws ENGINE_STATE, URL_INVALID */
  static async open(
    library: ClientLibrary,
    options: RabbitmqOptions,
    { clock, prepare, lost, blocked }: ConnectionParts,
  ): Promise<Connection> {
    const made: ChannelModel[] = [];
    let connection: Connection | undefined;
    let isGivenUp = false;
    let giveUp = (_cause: unknown): void => {};
    // What is asked of a connection that is lost meanwhile may never be answered.
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const told = (cause: unknown): void => {
      giveUp(cause);
      if (connection === undefined || !connection.#isLeft) lost(cause);
    };
    const connected = async (): Promise<ChannelModel> => {
      const model = await connect(library, options, told);
      if (isGivenUp) destroy(model);
      else made.push(model);
      return model;
    };
    const open = async (): Promise<Connection> => {
      const models = await Promise.all([connected(), connected()]);
      const [publishing] = models;
      publishing.on("blocked", (reason) => blocked(reason));
      publishing.on("unblocked", () => blocked(undefined));
      const [stores, signals] = await Promise.all([publishing.createConfirmChannel(), publishing.createChannel()]);
      connection = new Connection(models, { stores: watched(stores, told), signals: watched(signals, told) }, told);
      await prepare(connection);
      return connection;
    };
    const timer = clock.after(MOST_TO_CONNECT, () => giveUp(new Error(`no connection within ${MOST_TO_CONNECT} ms`)));
    try {
      return await Promise.race([open(), givenUp]);
    } catch (error) {
      isGivenUp = true;
      for (const model of made) destroy(model);
      throw connectError(error, options.server);
    } finally {
      timer.cancel();
    }
  }

  /** A channel on which messages are taken and acknowledged. `ended` is told when the server ends it alone; by default the connection ends with it. */
  async channel(ended = this.#lost): Promise<Channel> {
    return watched(await this.#models[1].createChannel(), ended);
  }

  /** Does something on a channel of its own, which a refusal ends. */
  async aside<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#models[1].createChannel();
    let ended = false;
    channel.on("error", () => {
      ended = true;
    });
    try {
      return await work(channel);
    } finally {
      // Not waited for: the library forgets who waits where the connection is lost before the answer.
      if (!ended) channel.close().catch(() => {});
    }
  }

  /** Ends both; what is under way fails. */
  destroy(): void {
    this.#isLeft = true;
    for (const model of this.#models) destroy(model);
  }

  /** Says goodbye, so that the server gives back at once what is not acknowledged. */
  async close(): Promise<void> {
    this.#isLeft = true;
    await Promise.all(this.#models.map(farewell));
    this.destroy();
  }
}

async function connect(
  library: ClientLibrary,
  options: RabbitmqOptions,
  lost: (cause: unknown) => void,
): Promise<ChannelModel> {
  const { host, port, tls, ca, username, password, vhost } = options;
  const trusted = ca === undefined ? {} : { ca: await readAuthorities(ca) };
  const socket = {
    ...trusted,
    // Without it a message that is stored alone takes 40 ms.
    noDelay: true,
    timeout: MOST_SILENT,
    writableHighWaterMark: GATHERED,
    clientProperties: { connection_name: "agentwire" },
  };
  const model = await library.connect(
    {
      protocol: tls ? "amqps" : "amqp",
      hostname: host,
      port,
      username,
      password,
      vhost: encodeURIComponent(vhost),
      heartbeat: HEARTBEAT,
    },
    socket,
  );
  // At once: an error that nobody listens to ends the process.
  model.on("error", lost);
  model.on("close", (cause) => lost(cause ?? new Error("the server closed the connection")));
  // What waits for an answer keeps the process alive; a connection does not.
  const { stream, heartbeater } = insideOf(model);
  gatherWrites(stream);
  stream.unref?.();
  heartbeater?.sendTimer?.unref();
  heartbeater?.recvTimer?.unref();
  return model;
}

function watched<C extends Channel>(channel: C, lost: (cause: unknown) => void): C {
  channel.on("error", lost);
  return channel;
}

/** Resolves when the server has answered, or the connection is lost. */
function farewell(model: ChannelModel): Promise<void> {
  return new Promise((resolve) => {
    model.once("close", () => resolve());
    model.close().catch(() => resolve());
  });
}

function destroy(model: ChannelModel): void {
  // With an error: without one the library would let what waits wait for ever.
  insideOf(model).stream.destroy(new Error("the connection was given up"));
}

function insideOf(model: ChannelModel): Inside {
  return model.connection as unknown as Inside;
}
