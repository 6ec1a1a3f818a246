import { ENGINES, type EngineName } from "../../scripts/servers/engines.ts";
import type { Server, ServerOptions } from "../../scripts/servers/server.ts";
import type { Bus, ConnectOptions } from "../../src/index.ts";
import { FaultProxy } from "../../src/testing/fault-proxy.ts";
import { connectAt } from "./connect-at.ts";
import { Scene } from "./scene.ts";

/** RabbitMQ writes every 5 s which queues it has; one that it finds in no such list is without a leader for a minute. */
const SETTLING: Readonly<Partial<Record<EngineName, number>>> = { rabbitmq: 6_000 };

/** A run whose programs meet at a server of their own. They reach it through a proxy; the row itself does not. */
export class ServerScene extends Scene {
  readonly server: Server;
  readonly proxy: FaultProxy;
  /** After so many milliseconds a server that is killed still knows what was declared. */
  readonly settling: number;

  private constructor(seed: number, server: Server, { proxy, engine }: { proxy: FaultProxy; engine: EngineName }) {
    super(seed, { url: proxy.url, hasStore: engine !== "rabbitmq" });
    this.server = server;
    this.settling = SETTLING[engine] ?? 0;
    this.proxy = proxy;
  }

  static async open(engine: EngineName, seed: number, options?: ServerOptions): Promise<ServerScene> {
    const server = await ENGINES[engine].start(options);
    return new ServerScene(seed, server, { proxy: await FaultProxy.open(server.url), engine });
  }

  override async close(): Promise<void> {
    await super.close();
    await this.proxy.close();
    await this.server.stop();
  }

  protected override connect(options: ConnectOptions): Promise<Bus> {
    return connectAt({ url: this.server.url, store: this.store }, options);
  }
}
