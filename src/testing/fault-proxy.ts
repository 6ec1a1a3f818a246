import { connect, createServer, type Server, type Socket } from "node:net";
import { AgentwireError } from "../errors.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { type LineFaults, waysOf } from "./line-faults.ts";
import { OneWay } from "./one-way.ts";

/** What is wrong with a proxy's line. */
export interface ProxyFaults extends LineFaults {
  /** New connections are reset at once; default false. */
  readonly refuse?: boolean;
}

/** Options of {@link FaultProxy.open}. */
export interface FaultProxyOptions {
  /** What delays and rates are measured by; default: the machine's time. */
  readonly clock?: Clock;
}

/** One connection through a {@link FaultProxy}. */
export interface ProxyConnection {
  /** Bytes that the proxy has read and not passed on yet. */
  readonly waiting: number;
  /** Sets what is wrong with this connection, until the proxy is set the next time. @throws OUT_OF_RANGE */
  set(faults: LineFaults): void;
  /** Resets it (RST) on both sides. */
  cut(): void;
}

/** A TCP proxy on the loopback address, between clients and a server, that does to their connections what networks do. */
export class FaultProxy {
  /** The server's URL, with the proxy in the server's place. */
  readonly url: string;
  /** Where the proxy listens. */
  readonly port: number;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #faults: ProxyFaults = {};

  private constructor(server: Server, target: URL, clock: Clock) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    this.url = Object.assign(new URL(target), { hostname: "127.0.0.1", port: String(this.port) }).href;
    server.on("connection", (client) => this.#accept(client, target, clock));
  }

  /** Starts a proxy before a server, given by its URL with host and port. @throws URL_INVALID */
  static async open(url: string, { clock = systemClock }: FaultProxyOptions = {}): Promise<FaultProxy> {
    const target = URL.canParse(url) ? new URL(url) : undefined;
    if (!target?.hostname || target.port === "")
      throw new AgentwireError("URL_INVALID", "A proxy needs the URL of a server, with host and port");
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new FaultProxy(server, target, clock);
  }

  /** Every open connection, oldest first. */
  get connections(): readonly ProxyConnection[] {
    return [...this.#lines];
  }

  /** Sets what is wrong with all connections, and those to come, in place of what was set before. @throws OUT_OF_RANGE */
  set(faults: ProxyFaults): void {
    waysOf(faults);
    this.#faults = faults;
    for (const line of this.#lines) line.set(faults);
  }

  /** Makes the line well again; bytes that were held go on. */
  heal(): void {
    this.set({});
  }

  /** Resets (RST) every connection there is, on both sides; new ones are let in. */
  cut(): void {
    for (const line of this.#lines) line.cut();
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket, target: URL, clock: Clock): void {
    if (this.#faults.refuse) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const host = target.hostname.replace(/^\[|\]$/g, "");
    const server = connect({ host, port: Number(target.port), allowHalfOpen: true, noDelay: true });
    const line = new Line({ client, server }, this.#faults, clock);
    this.#lines.add(line);
    line.closed.then(() => this.#lines.delete(line));
  }
}

/** A client's connection to the proxy and the proxy's to the server. */
class Line implements ProxyConnection {
  readonly closed: Promise<unknown>;
  readonly #ends: readonly Socket[];
  readonly #ways: { readonly "to-server": OneWay; readonly "to-client": OneWay };

  constructor({ client, server }: { client: Socket; server: Socket }, faults: LineFaults, clock: Clock) {
    const ways = waysOf(faults);
    const onBroken = (): void => this.cut();
    this.#ends = [client, server];
    this.#ways = {
      "to-server": new OneWay(client, server, { clock, faults: ways["to-server"], onBroken }),
      "to-client": new OneWay(server, client, { clock, faults: ways["to-client"], onBroken }),
    };
    this.closed = Promise.all(
      this.#ends.map((end) => new Promise<void>((resolve) => end.once("close", () => resolve()))),
    );
    void this.closed.then(() => {
      for (const way of Object.values(this.#ways)) way.close();
    });
  }

  get waiting(): number {
    return this.#ways["to-server"].waiting + this.#ways["to-client"].waiting;
  }

  set(faults: LineFaults): void {
    const ways = waysOf(faults);
    for (const way of ["to-server", "to-client"] as const) {
      // TCP never passes on a stream with a hole: what lost bytes has no way to go on.
      if (this.#ways[way].hasLost && !ways[way].drop) return this.cut();
    }
    for (const way of ["to-server", "to-client"] as const) this.#ways[way].set(ways[way]);
  }

  cut(): void {
    for (const end of this.#ends) {
      // What is being shut down cannot be reset any more, and would stay open.
      if (end.writableEnded) end.destroy();
      else if (!end.destroyed) end.resetAndDestroy();
    }
  }
}
