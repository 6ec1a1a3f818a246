import { ENGINES, type EngineName } from "../../scripts/servers/engines.ts";
import { installed, type Need } from "./need.ts";
import { type Backend, type Row, type RowResult, type Scale, SERVERS } from "./row.ts";
import { ROWS } from "./rows.ts";

/** Servers that there is a driver for; a new driver puts its engine here when the rows hold on it. */
const DRIVEN: readonly EngineName[] = ["redis", "postgres", "nats", "rabbitmq"];

/** The rows that every test run plays on each server, which may take a minute; the full run plays all. */
const QUICK_ON_SERVERS: readonly string[] = ["F1", "F2", "F3", "F8", "F9", "F24"];

/** A row on one of its backends. */
export interface Run {
  /** On another backend than sqlite a row has an id of its own, such as `F14/memory`. */
  readonly id: string;
  readonly title: string;
  readonly backend: Backend;
  readonly quick: boolean;
  /** What it cannot do without and is not there; it is left out then, and the report says so. */
  readonly lacks: readonly Need[];
  run(scale: Scale, seed: number): Promise<RowResult>;
}

/** Every row on every backend that there is. */
export const RUNS: readonly Run[] = ROWS.flatMap((row) =>
  (row.on ?? ["sqlite"])
    .filter((backend) => !isServer(backend) || DRIVEN.includes(backend))
    .map((backend) => ({
      id: backend === "sqlite" ? row.id : `${row.id}/${backend}`,
      title: `${row.title}, on ${backend}`,
      backend,
      quick: row.quick && (!isServer(backend) || QUICK_ON_SERVERS.includes(row.id)),
      lacks: needsOf(row, backend).filter((need) => !need.isMet()),
      run: (scale: Scale, seed: number) => row.run(scale, seed, backend),
    })),
);

function isServer(backend: Backend): backend is EngineName {
  return SERVERS.some((engine) => engine === backend);
}

function needsOf({ needs }: Row, backend: Backend): Need[] {
  return [
    // On memory the parts are played in this process.
    ...(needs === undefined || backend === "memory" ? [] : [needs]),
    ...(isServer(backend) ? [{ ...installed(ENGINES[backend].program), isMet: ENGINES[backend].isInstalled }] : []),
  ];
}
