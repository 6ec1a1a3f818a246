import { afterEach, expect, it } from "vitest";
import type { DriverEvent } from "../../../src/broker/driver.ts";
import type { Connection } from "../../../src/drivers/rabbitmq/connection.ts";
import { parseOptions } from "../../../src/drivers/rabbitmq/options.ts";
import { Session, type SessionListener } from "../../../src/drivers/rabbitmq/session.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { jsonCodec } from "../../../src/message/codec-json.ts";
import { FaultProxy } from "../../../src/testing/fault-proxy.ts";
import { failure } from "../../support/buses.ts";
import { describeOn } from "../../support/servers.ts";
import { freshScope } from "./engine.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describeOn("rabbitmq", "the connection to a server", (server) => {
  interface Opened {
    readonly session: Session;
    readonly proxy: FaultProxy;
    readonly connection: Connection;
    /** Resolves with the first event of a type. */
    told(type: DriverEvent["type"]): Promise<void>;
  }

  async function open(listener: SessionListener = {}): Promise<Opened> {
    const proxy = await FaultProxy.open(server.url);
    closing.push(() => proxy.close());
    const waits = new Map<string, { readonly wait: Promise<void>; readonly resolve: () => void }>();
    const waitFor = (type: string) => {
      let resolve = (): void => {};
      const wait = new Promise<void>((done) => {
        resolve = done;
      });
      const one = waits.get(type) ?? { wait, resolve };
      waits.set(type, one);
      return one;
    };
    const report = ({ type }: DriverEvent): void => waitFor(type).resolve();
    const session = new Session(parseOptions(proxy.url), {
      clock: systemClock,
      codec: jsonCodec,
      scope: freshScope(),
      instance: "one",
      report,
    });
    session.attach(listener);
    await session.open();
    closing.push(() => session.close());
    return { session, proxy, connection: session.connection as Connection, told: (type) => waitFor(type).wait };
  }

  it("fails what is under way on a connection that is lost, though nobody answers it", async () => {
    const { session, proxy, connection } = await open();
    const waiting = failure(session.within(connection, new Promise(() => {})));
    proxy.cut();
    expect(await waiting).toMatchObject({ message: "the connection was lost" });
  });

  it("does not wait for the end of a channel, whose answer may be lost with the connection", async () => {
    const { session, proxy } = await open();
    const done = session.aside(
      async (channel) => {
        const answer = await channel.assertQueue("", { exclusive: true });
        proxy.set({ drop: "to-client" });
        return answer.messageCount;
      },
      { what: "Looking" },
    );
    expect(await done).toBe(0);
    proxy.heal();
  });

  it("says goodbye to a server that is cut off meanwhile", async () => {
    const { session, proxy } = await open();
    proxy.set({ hold: "both" });
    const closed = session.close();
    proxy.cut();
    await closed;
  });

  it("tries again where a new connection is lost before all is made that hangs on it", async () => {
    let made = 0;
    let cut = (): void => {};
    const { proxy, told } = await open({
      connected: async (connection) => {
        if (++made !== 2) return;
        // Nobody is told that this will not be answered.
        void connection.channel().catch(() => {});
        cut();
        await new Promise(() => {});
      },
    });
    cut = () => proxy.cut();
    proxy.cut();
    await told("driver.restored");
    expect(made).toBe(3);
  });
});
