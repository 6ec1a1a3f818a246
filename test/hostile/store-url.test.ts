import { inspect } from "node:util";
import { connect, type Logger } from "agentwire";
import { describe, expect, it } from "vitest";
import { failure } from "../support/buses.ts";

const SECRET = "s3cret";
const LOGIN = `user:${SECRET}`;

/** Nobody listens there, or it is no URL of this engine. */
const UNUSABLE: readonly string[] = [
  ...["redis", "rediss", "postgres", "postgresql", "nats", "tls"].flatMap((scheme) => [
    `${scheme}://${LOGIN}@127.0.0.1:9`,
    `${scheme}://${LOGIN}@127.0.0.1:99999`,
    `${scheme}://${LOGIN}@127.0.0.1:port`,
    `${scheme}://${LOGIN}@[::`,
    `${scheme}://${LOGIN}@127.0.0.1:9/a/b/c?unknown=${SECRET}`,
    `${scheme}://:${SECRET}%zz@127.0.0.1:9`,
  ]),
  `sqlite:bus.db?password=${SECRET}`,
  `sqlite://${LOGIN}@host/bus.db`,
  `unknown://${LOGIN}@127.0.0.1`,
  `//${LOGIN}@127.0.0.1`,
  `memory:?password=${SECRET}`,
];

/** Everything that a person or a log may be shown of an error. */
function shown(error: unknown): string {
  return `${inspect(error, { depth: 10 })} ${JSON.stringify(error)} ${String(error)} ${(error as Error).stack}`;
}

describe("B54 a URL with a password that cannot be used", () => {
  it.each(UNUSABLE)("tells no password: %#", { timeout: 30_000 }, async (url) => {
    const lines: unknown[] = [];
    const write = (...said: unknown[]): void => void lines.push(said);
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    const error = await failure(connect(url, { logger }));
    expect(shown(error)).not.toContain(SECRET);
    expect(inspect(lines, { depth: 10 })).not.toContain(SECRET);
  });

  it.each(UNUSABLE)("tells none as a second store either: %#", { timeout: 30_000 }, async (store) => {
    const error = await failure(connect("memory:", { store, logger: false }));
    expect(shown(error)).not.toContain(SECRET);
  });
});
