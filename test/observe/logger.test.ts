import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentwireError } from "../../src/errors.ts";
import { createLogger, type LoggerOptions } from "../../src/observe/logger.ts";

function logging(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const logger = createLogger({ destination: { write: (line) => lines.push(line) }, now: () => 0, ...options });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "") as Record<string, unknown> };
}

describe("the logger", () => {
  it("writes lines of JSON from its level on", () => {
    const { logger, lines, last } = logging({ level: "warn" });
    logger.debug("no");
    logger.info("no");
    logger.warn({ agent: "ada", run: "r1" }, "careful");
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"careful","agent":"ada","run":"r1"}\n',
    ]);
    logger.error("alone");
    expect(last()).toMatchObject({ level: "error", message: "alone" });
  });

  it("hands fields down to children, and lets none pass for its own", () => {
    const { logger, last } = logging();
    logger.child({ agent: "ada" }).child({ type: "greet", level: "x" }).info({ time: 1, conversation: "c" }, "hello");
    expect(last()).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      message: "hello",
      agent: "ada",
      type: "greet",
      _level: "x",
      _time: 1,
      conversation: "c",
    });
  });

  it("says in debug from where it was called", () => {
    const { logger, last } = logging({ level: "debug" });
    logger.child({ a: 1 }).error("here");
    expect(last()["file"]).toBe("test/observe/logger.test.ts");
    expect(last()["line"]).toEqual(expect.any(Number));
  });

  it("redacts secrets and leaves payloads out, at any depth", () => {
    const { logger, lines } = logging();
    const secrets = {
      token: "s3cr3t",
      accessToken: "s3cr3t",
      client_secret: "s3cr3t",
      PASSWORD: ["s3cr3t"],
      Authorization: { a: "s3cr3t" },
    };
    logger.info(
      { ...secrets, nested: [{ secrets }], payload: "s3cr3t", url: "amqp://me:s3cr3t@host/", tokens: 12 },
      "at redis://:s3cr3t@host",
    );
    expect(lines[0]).not.toContain("s3cr3t");
    expect(lines[0]).toContain('"tokens":12');
    expect(lines[0]).toContain("amqp://[redacted]@host/");
  });

  it("shows errors without their stack", () => {
    const { logger, last } = logging();
    logger.error(
      { error: new AgentwireError("TIMEOUT", "late", { details: { timeout: 5 }, cause: new Error("why") }) },
      "failed",
    );
    expect(last()["error"]).toEqual({
      name: "AgentwireError",
      code: "TIMEOUT",
      message: "late",
      details: { timeout: 5 },
      cause: { name: "Error", message: "why" },
    });
  });

  it("cuts a long line and keeps what names it", () => {
    const { logger, lines, last } = logging();
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`field-${at}`, "x".repeat(1_000)]));
    logger.info({ agent: "ada", ...fields }, "\u0001".repeat(20_000));
    expect(Buffer.byteLength(lines[0] ?? "")).toBeLessThanOrEqual(8 * 1024);
    expect(last()).toMatchObject({ level: "info", agent: "ada", cut: true });
  });

  it("survives whatever it is given, in one line of at most 8 KiB without control characters", () => {
    const { logger, lines } = logging();
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const throwing = Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    for (const value of [
      circular,
      throwing,
      hostile,
      1n,
      Symbol("s"),
      () => 1,
      new Date(Number.NaN),
      new Map([[1, 2]]),
    ]) {
      logger.info({ value }, "odd");
      logger.info(value as never, "odd");
    }
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), fc.string({ unit: "binary" }), (fields, text) => {
        logger.warn(fields, text);
        const line = lines.at(-1) ?? "";
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(8 * 1024);
        expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
        expect(JSON.parse(line)).toMatchObject({ level: "warn" });
      }),
    );
  });

  it("goes on when nobody reads the log", () => {
    const { logger } = logging({
      destination: {
        write: () => {
          throw new Error("EPIPE");
        },
      },
    });
    expect(() => logger.error("x")).not.toThrow();
  });
});
