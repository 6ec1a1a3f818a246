import type { Broker } from "../../../src/broker/broker.ts";
import type { Bus, ConnectOptions } from "../../../src/index.ts";

/** Where a role is played: in a program of its own, or among others in one process. */
export interface Surroundings {
  open(options?: ConnectOptions): Promise<Bus>;
  /** The engine itself, as a foreign program would use it. */
  engine(): Promise<Broker>;
  /** Tells whoever watches the program. */
  say(line: string): void;
  /** Wall milliseconds by the clock of the bus. */
  now(): number;
}

/** What a program does, told by its task. Resolves when it has begun, or, if it has an end, when it is over. */
export type Role<Task> = (task: Task, around: Surroundings) => Promise<void>;

/** Where the bus of a task is. */
export interface Place {
  readonly url: string;
  /** Of a second engine, where the first carries messages only. */
  readonly store?: string | undefined;
}

/** A task together with the bus that it is done on. */
export type Placed<Task> = Task & Place;
