import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { EngineName } from "../../scripts/servers/engines.ts";
import { findProgram } from "../../scripts/servers/find-program.ts";
import { freePort } from "../../scripts/servers/free-port.ts";
import type { Server, ServerOptions } from "../../scripts/servers/server.ts";
import { type Bus, connect, defineAgent, defineMessage } from "../../src/index.ts";
import { failure } from "../support/buses.ts";
import { Certificates } from "../support/certificates.ts";
import { describeWithServers } from "../support/servers.ts";

const SECRET = "s3cret";
const Ping = defineMessage("ping", z.object({ n: z.number() }), { reply: z.object({ n: z.number() }) });

type Start = (options: ServerOptions) => Promise<Server>;

/** Starts a server with TLS on the loopback address; returns its URL. */
const SECURED: Readonly<Record<EngineName, (start: Start, certificates: Certificates) => Promise<string>>> = {
  redis: async (start, { certificate, key }) => {
    const port = String(await freePort());
    const files = { "tls-cert-file": certificate, "tls-key-file": key };
    await start({ password: SECRET, settings: { "tls-port": port, ...files, "tls-auth-clients": "no" } });
    return `rediss://:${SECRET}@127.0.0.1:${port}`;
  },
  postgres: async (start, certificates) => {
    const files = { ssl_cert_file: certificates.certificate, ssl_key_file: certificates.ownKey() };
    return (await start({ password: SECRET, settings: { ssl: "on", ...files } })).url;
  },
  nats: async (start, { certificate, key }) => {
    const tls = `{ cert_file: ${JSON.stringify(certificate)}, key_file: ${JSON.stringify(key)} }`;
    return (await start({ password: SECRET, settings: { tls } })).url.replace("nats:", "tls:");
  },
  rabbitmq: async (start, { authority, certificate, key }) => {
    const listener = `127.0.0.1:${await freePort()}`;
    const files = {
      "ssl_options.cacertfile": authority,
      "ssl_options.certfile": certificate,
      "ssl_options.keyfile": key,
    };
    const { url } = await start({ password: SECRET, settings: { "listeners.ssl.1": listener, ...files } });
    return url.replace(/^amqp:(.*@).*$/, `amqps:$1${listener}`);
  },
};

/** Everything that a person or a log may be shown of an error. */
function shown(error: unknown): string {
  return `${inspect(error, { depth: 10 })} ${JSON.stringify(error)} ${String(error)}`;
}

const program = "openssl";
const lacks = findProgram(program) === undefined;

describe.skipIf(lacks)(lacks ? `TLS, which needs ${program}` : "TLS", () => {
  const certificates = lacks ? undefined : new Certificates();
  afterAll(() => certificates?.remove());

  const buses: Bus[] = [];
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close();
  });

  describe.each(["redis", "postgres", "nats", "rabbitmq"] as const)("to %s", (engine) => {
    describeWithServers(engine, "on a server of its own", (start) => {
      const { authority, other, certificate } = certificates as Certificates;
      let server: Promise<string> | undefined;
      const at = async (ca: string | undefined, host = "127.0.0.1"): Promise<string> => {
        const url = (await (server ??= SECURED[engine](start, certificates as Certificates))).replace(
          "127.0.0.1",
          host,
        );
        return ca === undefined ? url : `${url}?ca=${encodeURIComponent(ca)}`;
      };
      const open = async (url: string): Promise<Bus> => {
        const bus = await connect(url, { logger: false, ...(engine === "rabbitmq" ? { store: "memory:" } : {}) });
        buses.push(bus);
        return bus;
      };

      it("sends, handles and answers", { timeout: 60_000 }, async () => {
        const bus = await open(await at(authority));
        await bus.join(defineAgent({ name: "echo" }).on(Ping, ({ payload }) => ({ n: payload.n + 1 })));
        expect(await bus.request(Ping, { n: 1 })).toEqual({ n: 2 });
      });

      it("refuses a certificate of an authority that it does not trust, and tells no password", {
        timeout: 60_000,
      }, async () => {
        for (const ca of [other, engine === "postgres" ? other : undefined]) {
          const error = await failure(open(await at(ca)));
          expect(error).toMatchObject({
            code: "ENGINE_STATE",
            message: expect.stringContaining("has a certificate that is not trusted"),
            hint: expect.stringContaining("?ca=FILE"),
          });
          expect(shown(error)).not.toContain(SECRET);
        }
      });

      it("refuses a certificate of another host", { timeout: 60_000 }, async () => {
        const error = await failure(open(await at(authority, "localhost")));
        expect(error).toMatchObject({
          code: "ENGINE_STATE",
          details: { reason: "ERR_TLS_CERT_ALTNAME_INVALID" },
        });
        expect(shown(error)).not.toContain(SECRET);
      });

      it("refuses a file of authorities that is not there, or has none", { timeout: 60_000 }, async () => {
        for (const ca of [join(authority, "..", "nowhere.pem"), join(certificate, "..", "names")]) {
          const error = await failure(open(await at(ca)));
          expect(error).toMatchObject({ code: "URL_INVALID", message: expect.stringContaining(ca) });
          expect(shown(error)).not.toContain(SECRET);
        }
      });
    });
  });
});
