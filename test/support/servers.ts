import { afterAll, beforeAll, describe } from "vitest";
import { ENGINES, type EngineName } from "../../scripts/servers/engines.ts";
import type { Server, ServerOptions } from "../../scripts/servers/server.ts";

/** A server that takes seconds to start takes several times as long beside others, in milliseconds. */
const MOST_TO_START = 60_000;

/** The server that the tests of one file share. */
export interface SharedServer {
  /** Of the server that the environment names, or of the private one; there when the tests run. */
  readonly url: string;
}

/**
 * Describes tests that need a server: the one that the environment names, or else a private one, which they share.
 * Where there is neither, the report shows them as left out, and says what they need.
 */
export function describeOn(engine: EngineName, title: string, tests: (server: SharedServer) => void): void {
  const { variable } = ENGINES[engine];
  const given = process.env[variable];
  if (given !== undefined) return void describe(title, () => tests({ url: given }));
  describeWithServers(engine, title, (start) => {
    let server: Server | undefined;
    beforeAll(async () => {
      server = await start();
    }, MOST_TO_START);
    tests({
      get url() {
        if (!server) throw new Error("The server is there when the tests run, not before");
        return server.url;
      },
    });
  });
}

/** Describes tests that start private servers, to kill and restart them; all are stopped when the tests have run. */
export function describeWithServers(
  engine: EngineName,
  title: string,
  tests: (start: (options?: ServerOptions) => Promise<Server>) => void,
): void {
  const { isInstalled, start, program, package: origin = program } = ENGINES[engine];
  const lacks = !isInstalled();
  describe.skipIf(lacks)(lacks ? `${title}, which needs ${program} (apt-get install ${origin})` : title, () => {
    const servers: Server[] = [];
    afterAll(() => Promise.all(servers.map((server) => server.stop())));
    tests(async (options) => {
      const server = await start(options);
      servers.push(server);
      return server;
    });
  });
}
