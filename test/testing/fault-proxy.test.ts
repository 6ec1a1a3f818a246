import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { FakeClock, FaultProxy, type FaultProxyOptions } from "agentwire/testing";
import { afterEach, expect, it } from "vitest";

/** One end of a connection: what it got, and how it ended. */
class End {
  got = "";
  ended: string | undefined;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => (this.got += data.toString("latin1")));
    socket.on("end", () => (this.ended ??= "end"));
    socket.on("error", (error: NodeJS.ErrnoException) => (this.ended ??= error.code));
  }
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(): Promise<{ server: Server; url: string; ends: End[] }> {
  const ends: End[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => ends.push(new End(socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const { socket } of ends) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { server, url: `redis://a:b%2Fc@127.0.0.1:${(server.address() as { port: number }).port}/7`, ends };
}

async function scene(options?: FaultProxyOptions) {
  const { url, ends } = await serve();
  const proxy = await FaultProxy.open(url, options);
  cleanups.push(() => proxy.close());
  return {
    proxy,
    ends,
    /** A client and what the server has of it. */
    async connection() {
      const client = new End(connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true }));
      cleanups.push(() => client.socket.destroy());
      const before = ends.length;
      await expect.poll(() => ends.length).toBe(before + 1);
      return { client, server: ends[before] as End, line: proxy.connections.at(-1) as (typeof proxy.connections)[0] };
    },
  };
}

it("stands in the server's place, and passes on bytes and ends of both ways", async () => {
  const { proxy, connection } = await scene();
  expect(proxy.url).toBe(`redis://a:b%2Fc@127.0.0.1:${proxy.port}/7`);
  const { client, server } = await connection();
  client.socket.end("ask");
  await expect.poll(() => [server.got, server.ended]).toEqual(["ask", "end"]);
  server.socket.end("answer");
  await expect.poll(() => [client.got, client.ended]).toEqual(["answer", "end"]);
  await expect.poll(() => proxy.connections).toEqual([]);
});

it("cuts one connection or all, on both sides, and lets new ones in", async () => {
  const { proxy, connection } = await scene();
  const [first, second] = [await connection(), await connection()];
  first.line.cut();
  await expect.poll(() => [first.client.ended, first.server.ended]).toEqual(["ECONNRESET", "ECONNRESET"]);
  second.client.socket.write("on");
  await expect.poll(() => second.server.got).toBe("on");
  proxy.cut();
  await expect.poll(() => [second.client.ended, second.server.ended]).toEqual(["ECONNRESET", "ECONNRESET"]);
  const third = await connection();
  third.client.socket.write("new");
  await expect.poll(() => third.server.got).toBe("new");
});

it("refuses new connections, and passes a reset on", async () => {
  const { proxy, connection, ends } = await scene();
  const { client, server } = await connection();
  proxy.set({ refuse: true });
  const late = new End(connect(proxy.port, "127.0.0.1"));
  await expect.poll(() => late.ended).toBe("ECONNRESET");
  client.socket.write("old");
  await expect.poll(() => server.got).toBe("old");
  server.socket.resetAndDestroy();
  await expect.poll(() => client.ended).toBe("ECONNRESET");
  expect(ends).toHaveLength(1);
});

it("resets a client whose server is not there", async () => {
  const { server, url } = await serve();
  await new Promise((resolve) => server.close(resolve));
  await using proxy = await FaultProxy.open(url);
  const client = new End(connect(proxy.port, "127.0.0.1"));
  await expect.poll(() => client.ended).toBe("ECONNRESET");
});

it("holds one connection: bytes and ends wait until it heals, while others go on", async () => {
  const { proxy, connection } = await scene();
  const [held, other] = [await connection(), await connection()];
  held.line.set({ hold: "both" });
  held.client.socket.write("ask");
  held.server.socket.end("answer");
  other.client.socket.write("ask");
  await expect.poll(() => other.server.got).toBe("ask");
  other.server.socket.write("answer");
  await expect.poll(() => other.client.got).toBe("answer");
  expect([held.server.got, held.client.got, held.client.ended]).toEqual(["", "", undefined]);
  proxy.heal();
  await expect.poll(() => [held.server.got, held.client.got, held.client.ended]).toEqual(["ask", "answer", "end"]);
});

it("says nothing of a server that vanished behind a held line, and resets the line when it heals", async () => {
  const { proxy, connection } = await scene();
  const { client, server } = await connection();
  proxy.set({ hold: "to-client" });
  server.socket.resetAndDestroy();
  for (let times = 0; times < 3; times++) {
    client.socket.write("anyone?");
    await expect.poll(() => client.socket.writableLength).toBe(0);
  }
  expect(client.ended).toBeUndefined();
  proxy.heal();
  client.socket.write("anyone?");
  await expect.poll(() => client.ended).toMatch(/ECONNRESET|EPIPE/);
});

it("drops the bytes of one way, and resets the connection when it heals", async () => {
  const { proxy, connection } = await scene();
  const { client, server } = await connection();
  proxy.set({ drop: "to-client" });
  client.socket.write("ask");
  await expect.poll(() => server.got).toBe("ask");
  server.socket.end("lost");
  client.socket.write(" again");
  await expect.poll(() => server.got).toBe("ask again");
  expect([client.got, client.ended]).toEqual(["", undefined]);
  proxy.heal();
  await expect.poll(() => client.ended).toBe("ECONNRESET");
  expect(client.got).toBe("");
});

it("delays bytes, and keeps their order", async () => {
  const clock = new FakeClock();
  const { proxy, connection } = await scene({ clock });
  const { client, server, line } = await connection();
  proxy.set({ delay: "50ms" });
  client.socket.write("one ");
  await expect.poll(() => line.waiting).toBe(4);
  await clock.advance(30);
  client.socket.write("two");
  await expect.poll(() => line.waiting).toBe(7);
  await clock.advance(19);
  expect(line.waiting).toBe(7);
  await clock.advance(1);
  await expect.poll(() => server.got).toBe("one ");
  expect(line.waiting).toBe(3);
  await clock.advance(30);
  await expect.poll(() => server.got).toBe("one two");
  expect(clock.pending).toBe(0);
});

it("limits the rate, and reads no more than a little ahead", async () => {
  const clock = new FakeClock();
  const { proxy, connection } = await scene({ clock });
  const { client, server, line } = await connection();
  proxy.set({ rate: 1_000 });
  client.socket.write("x".repeat(2_000));
  await expect.poll(() => line.waiting).toBe(2_000);
  await clock.advance(500);
  await expect.poll(() => server.got.length).toBe(500);
  await clock.advance(1_500);
  await expect.poll(() => server.got.length).toBe(2_000);
  client.socket.write("y".repeat(64 * 1_048_576));
  await expect.poll(() => line.waiting).toBeGreaterThan(1_048_576);
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(line.waiting).toBeLessThan(2 * 1_048_576);
  expect(client.socket.writableLength).toBeGreaterThan(0);
});

it("refuses what it cannot do", async () => {
  const { proxy } = await scene();
  await expect(FaultProxy.open("redis://localhost")).rejects.toMatchObject({ code: "URL_INVALID" });
  await expect(FaultProxy.open("nonsense")).rejects.toMatchObject({ code: "URL_INVALID" });
  for (const faults of [{ rate: 0 }, { delay: -1 }, { hold: "up" as "both" }])
    expect(() => proxy.set(faults)).toThrow(expect.objectContaining({ code: "OUT_OF_RANGE" }));
});
