import { findProgram } from "./find-program.ts";
import { startNats } from "./nats.ts";
import { postgresProgram, startPostgres } from "./postgres.ts";
import { rabbitmqProgram, startRabbitmq } from "./rabbitmq.ts";
import { startRedis } from "./redis.ts";
import type { Server, ServerOptions } from "./server.ts";

/** An engine that runs as a server of its own. */
export type EngineName = "redis" | "postgres" | "nats" | "rabbitmq";

/** How a server of an engine is had. */
export interface Engine {
  /** The environment variable that names a running one for the tests. */
  readonly variable: string;
  /** The program that a private one is; the package of the same name brings it, unless `package` says otherwise. */
  readonly program: string;
  readonly package?: string;
  isInstalled(): boolean;
  start(options?: ServerOptions): Promise<Server>;
}

/** Every engine that runs as a server of its own. */
export const ENGINES: Readonly<Record<EngineName, Engine>> = {
  redis: {
    variable: "AGENTWIRE_TEST_REDIS",
    program: "redis-server",
    isInstalled: () => findProgram("redis-server") !== undefined,
    start: startRedis,
  },
  postgres: {
    variable: "AGENTWIRE_TEST_POSTGRES",
    program: "postgres",
    package: "postgresql",
    isInstalled: () => postgresProgram("postgres") !== undefined,
    start: startPostgres,
  },
  nats: {
    variable: "AGENTWIRE_TEST_NATS",
    program: "nats-server",
    isInstalled: () => findProgram("nats-server") !== undefined,
    start: startNats,
  },
  rabbitmq: {
    variable: "AGENTWIRE_TEST_RABBITMQ",
    program: "rabbitmq-server",
    isInstalled: () => rabbitmqProgram() !== undefined,
    start: startRabbitmq,
  },
};
