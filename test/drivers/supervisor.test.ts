import { describe, expect, it } from "vitest";
import type { DriverEvent } from "../../src/broker/driver.ts";
import { Supervisor, type SupervisorOptions } from "../../src/drivers/supervisor.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

/** A connection that a test can cut. */
interface Line {
  readonly n: number;
  cut(cause: unknown): void;
  ended: boolean;
}

/** A server that can be down, and a supervisor of a line to it. */
function scene(options: Partial<SupervisorOptions<Line>> = {}) {
  const clock = new FakeClock();
  const events: DriverEvent[] = [];
  const attempts: number[] = [];
  const lines: Line[] = [];
  const server = { down: undefined as Error | undefined };
  const supervisor = new Supervisor<Line>({
    clock,
    driver: "engine",
    server: "Engine at host:1",
    connect: async (cut) => {
      attempts.push(clock.monotonic());
      if (server.down) throw server.down;
      const line = { n: lines.length + 1, cut, ended: false };
      lines.push(line);
      return line;
    },
    disconnect: (line) => {
      line.ended = true;
    },
    report: (event) => events.push(event),
    random: () => 0.5,
    ...options,
  });
  return { clock, events, attempts, lines, server, supervisor };
}

const types = (events: readonly DriverEvent[]): string[] => events.map(({ type }) => type);

describe("the supervisor of a connection", () => {
  it("fails to open with the reason it was given, and does not go on trying", async () => {
    const { clock, server, supervisor, attempts } = scene();
    server.down = new Error("refused");
    await expect(supervisor.open()).rejects.toThrow("refused");
    await clock.advance(60_000);
    expect(attempts).toHaveLength(1);
  });

  it("keeps the process alive while somebody waits for a connection, and only then", async () => {
    const alive = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const { clock, server, supervisor, lines } = scene();
    await supervisor.open();
    const before = alive();
    server.down = new Error("refused");
    lines[0]?.cut(new Error("reset"));
    expect(alive()).toBe(before);
    const waiting = [supervisor.connection(1_000), supervisor.connection()];
    expect(alive()).toBe(before + 1);
    const failed = expect(waiting[0]).rejects.toMatchObject({ code: "ENGINE_STATE" });
    await clock.advance(1_000);
    await failed;
    expect(alive()).toBe(before + 1);
    server.down = undefined;
    await clock.advance(5_000);
    await waiting[1];
    expect(alive()).toBe(before);
    await supervisor.close();
  });

  it("has no timer while all is well", async () => {
    const { clock, supervisor, lines } = scene();
    await supervisor.open();
    expect(await supervisor.connection()).toBe(lines[0]);
    expect(supervisor.current).toBe(lines[0]);
    expect(clock.pending).toBe(0);
    await supervisor.close();
    expect(lines[0]?.ended).toBe(true);
  });

  it("makes a lost connection again, and tells of both", async () => {
    const { clock, supervisor, lines, events } = scene();
    await supervisor.open();
    lines[0]?.cut(new Error("reset"));
    expect(supervisor.current).toBeUndefined();
    expect(lines[0]?.ended).toBe(true);
    const waiting = supervisor.connection();
    await clock.advance(500);
    expect((await waiting).n).toBe(2);
    expect(types(events)).toEqual(["driver.lost", "driver.restored"]);
    expect(events[0]?.message).toContain("reset");
    expect(events[1]?.details).toMatchObject({ attempts: 1 });
    lines[0]?.cut(new Error("again"));
    expect(supervisor.current?.n, "an old connection's end is not the new one's").toBe(2);
    await supervisor.close();
    expect(clock.pending).toBe(0);
  });

  it("backs off between attempts, never sooner than 100 ms, at most some seconds", async () => {
    const { clock, supervisor, lines, server, attempts } = scene();
    await supervisor.open();
    server.down = new Error("refused");
    lines[0]?.cut(new Error("gone"));
    await clock.advance(30_000);
    const pauses = attempts.slice(1).map((at, n) => at - (attempts[n] as number));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_200);
    expect(pauses[1]).toBeGreaterThan(pauses[0] as number);
    server.down = undefined;
    await clock.advance(2_200);
    expect(supervisor.current?.n).toBe(2);
    await supervisor.close();
  });

  it("does not begin anew with short pauses while connections do not last", async () => {
    const { clock, supervisor, attempts, events } = scene({
      connect: async (cut) => {
        attempts.push(clock.monotonic());
        clock.after(10, () => cut(new Error("reset")));
        return { n: attempts.length, cut, ended: false };
      },
    });
    await supervisor.open();
    await clock.advance(20_000);
    expect(attempts.length).toBeLessThan(50);
    expect(types(events).filter((type) => type === "driver.lost").length).toBeGreaterThan(5);
    await supervisor.close();
    await clock.advance(20);
    expect(clock.pending).toBe(0);
  });

  it("lets nobody wait for ever, and says what is wrong", async () => {
    const { clock, supervisor, lines, server } = scene();
    await supervisor.open();
    server.down = new Error("connection refused");
    lines[0]?.cut(new Error("gone"));
    const late = expect(supervisor.connection(3_000)).rejects.toMatchObject({
      code: "ENGINE_STATE",
      message: "Engine at host:1 is out of reach (connection refused); it is tried again",
      retryable: true,
    });
    await clock.advance(3_000);
    await late;
    await supervisor.close();
  });

  it("restores before it hands a new connection out, and takes another where that fails", async () => {
    const restored: number[] = [];
    const { clock, supervisor, lines } = scene({
      restore: async ({ n }) => {
        restored.push(n);
        if (n === 2) throw new Error("not ready yet");
      },
    });
    await supervisor.open();
    expect(restored, "the first has nothing to restore").toEqual([]);
    lines[0]?.cut(new Error("gone"));
    const waiting = supervisor.connection();
    await clock.advance(2_000);
    expect((await waiting).n).toBe(3);
    expect(restored).toEqual([2, 3]);
    expect(lines[1]?.ended).toBe(true);
    await supervisor.close();
  });

  it("replaces a connection that its user gives up", async () => {
    const { clock, supervisor, lines } = scene();
    await supervisor.open();
    const line = await supervisor.connection();
    supervisor.lose(line, new Error("no answer"));
    supervisor.lose(line, new Error("no answer"));
    await clock.advance(300);
    expect(lines).toHaveLength(2);
    await supervisor.close();
  });

  it("ends a connection that comes after the close, and those who wait", async () => {
    let arrive = (): void => {};
    let ended = 0;
    const clock = new FakeClock();
    let cut: (cause: unknown) => void = () => {};
    let made = 0;
    const supervisor = new Supervisor<{ n: number }>({
      clock,
      driver: "engine",
      server: "Engine at host:1",
      connect: async (lost) => {
        cut = lost;
        if (++made > 1) await new Promise<void>((resolve) => (arrive = resolve));
        return { n: made };
      },
      disconnect: () => void ended++,
      report: () => {},
    });
    await supervisor.open();
    cut(new Error("gone"));
    const waiting = expect(supervisor.connection()).rejects.toMatchObject({ code: "CLOSED" });
    await clock.advance(500);
    const closed = supervisor.close();
    await waiting;
    arrive();
    await closed;
    expect(ended).toBe(2);
    await expect(supervisor.connection()).rejects.toMatchObject({ code: "CLOSED" });
    await supervisor.close();
    expect(clock.pending).toBe(0);
  });
});
