import { isIP } from "node:net";
import { AgentwireError } from "../../errors.ts";
import { certificateError, readAuthorities } from "../certificates.ts";
import type { ClientLibrary } from "./client-library.ts";
import { replyWord } from "./faults.ts";
import type { RedisOptions } from "./options.ts";

type Client = ReturnType<ClientLibrary["createClient"]>;

/** Where a message on a channel goes. */
export type ChannelListener = (message: string, channel: string) => void;

const MOST_TO_CONNECT = 5_000;

/** Two connections to one server, made and lost together: one for commands, one for what is told. */
export class Connection {
  readonly #commands: Client;
  readonly #events: Client;
  readonly #asBytes: { readonly typeMapping: Record<number, BufferConstructor> };

  private constructor(library: ClientLibrary, commands: Client, events: Client) {
    this.#commands = commands;
    this.#events = events;
    this.#asBytes = { typeMapping: { [library.RESP_TYPES.BLOB_STRING]: Buffer } };
  }

  /** Connects, within 5 s. `lost` is told when either connection ends by itself. @throws ENGINE_STATE, URL_INVALID */
  static async open(
    library: ClientLibrary,
    options: RedisOptions,
    lost: (cause: unknown) => void,
  ): Promise<Connection> {
    const trusted = options.ca === undefined ? {} : { ca: await readAuthorities(options.ca) };
    const clients = [0, 1].map(() => client(library, { ...options, ...trusted }, lost)) as [Client, Client];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${MOST_TO_CONNECT} ms`)), MOST_TO_CONNECT);
    });
    try {
      await Promise.race([Promise.all(clients.map((one) => one.connect())), late]);
    } catch (error) {
      for (const one of clients) one.destroy();
      throw connectError(error, options);
    } finally {
      clearTimeout(timer);
    }
    return new Connection(library, ...clients);
  }

  /** Sends a command. `bytes`: its answer's texts come as buffers. */
  send(command: readonly (string | Buffer)[], bytes = false): Promise<unknown> {
    const args = command as (string | Buffer)[];
    return bytes ? this.#commands.sendCommand(args, this.#asBytes) : this.#commands.sendCommand(args);
  }

  /** Resolves when what is told on a channel reaches the listener. */
  async listen(channels: string[], listener: ChannelListener): Promise<void> {
    await this.#events.subscribe(channels, listener);
  }

  async unlisten(channel: string): Promise<void> {
    await this.#events.unsubscribe(channel);
  }

  /** Resolves when both connections have answered. */
  async ping(): Promise<void> {
    await Promise.all([this.#commands.ping(), this.#events.ping()]);
  }

  /** Resolves when all that was told before has reached its listener. */
  async heard(): Promise<void> {
    await this.#events.ping();
  }

  /** Ends both; what is under way fails. */
  close(): void {
    for (const one of [this.#commands, this.#events]) {
      try {
        one.destroy();
      } catch {
        // It had ended by itself.
      }
    }
  }
}

/** `ca`: certificates, not their file. */
function client(library: ClientLibrary, options: RedisOptions, lost: (cause: unknown) => void): Client {
  const { host, port, tls, ca, username, password, database } = options;
  // An address is compared with the certificate too, but never told as a name.
  const secured = {
    tls: true as const,
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  };
  const made = library.createClient({
    RESP: 2,
    socket: {
      host,
      port,
      ...(tls ? secured : {}),
      connectTimeout: MOST_TO_CONNECT,
      reconnectStrategy: false,
    },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
  } as Parameters<ClientLibrary["createClient"]>[0]) as unknown as Client;
  made.on("error", lost);
  made.on("end", () => lost(new Error("the server closed the connection")));
  return made;
}

function connectError(error: unknown, { server }: RedisOptions): AgentwireError {
  const refused = certificateError(error, server);
  if (refused) return refused;
  const word = replyWord(error);
  const text = (error as Error).message || ((error as { code?: string }).code ?? "no reason given");
  if (word === "WRONGPASS" || word === "NOAUTH")
    return new AgentwireError("ENGINE_STATE", `${server} refused the user or password of the URL`, {
      hint: "Check user and password in the URL.",
      cause: error,
    });
  return new AgentwireError("ENGINE_STATE", `${server} cannot be reached: ${text}`, {
    hint: "Check that the server runs, and the host and port of the URL.",
    cause: error,
  });
}
