import type { Broker } from "../../src/broker/broker.ts";
import type { Driver, DriverContext } from "../../src/broker/driver.ts";
import { assemble } from "../../src/connect.ts";
import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import type { Bus, ConnectOptions } from "../../src/index.ts";
import { type Clock, systemClock } from "../../src/internal/clock.ts";
import { FaultyBroker } from "../../src/testing/faulty-broker.ts";
import { type Actor, Script } from "./program.ts";
import { answering } from "./roles/answering.ts";
import { asking } from "./roles/asking.ts";
import { consuming } from "./roles/consuming.ts";
import { forging } from "./roles/forging.ts";
import { poisoned } from "./roles/poisoned.ts";
import { rejecting } from "./roles/rejecting.ts";
import type { Role } from "./roles/role.ts";
import { sending } from "./roles/sending.ts";
import { untidy } from "./roles/untidy.ts";
import { Scene } from "./scene.ts";
import { FOREIGN } from "./stage.ts";

const ROLES: Readonly<Record<string, Role<never>>> = {
  consumer: consuming,
  sender: sending,
  poisoned,
  rejecting,
  untidy,
  asking,
  answering,
  forging,
};
/** Roles that are over when they have been played; the others go on until they are asked to leave. */
const ENDING: ReadonlySet<string> = new Set(["sender", "asking"]);

/** A run on the memory driver: every role has a bus of its own on one engine, all in this process. */
export class MemoryScene extends Scene {
  /** The wall clock of all of them; its time may jump. */
  readonly clock = new JumpingClock();
  /** Chance that the engine refuses to settle. */
  readonly faults = { refuseSettle: 0 };
  readonly #engine = new MemoryEngine(this.clock);

  protected override play(role: string, task: object): Actor {
    return new Player(ROLES[role] as Role<object>, task, {
      open: (options) => this.connect(options),
      engine: async () => {
        const { broker } = this.#engine.driver(FOREIGN);
        await broker.open();
        return broker;
      },
      now: () => this.clock.now(),
      ends: ENDING.has(role),
    });
  }

  protected override connect(options: ConnectOptions): Promise<Bus> {
    const { clock, faults, random } = this;
    const loadDriver = async (_url: string, context: DriverContext): Promise<Driver> => {
      const driver = this.#engine.driver(context);
      return { ...driver, broker: new FaultyBroker(driver.broker, { faults, random, clock }) };
    };
    return assemble("memory:", { logger: false, ...options }, { clock, random: Math.random, loadDriver });
  }
}

/** A clock whose wall time a row moves. */
class JumpingClock implements Clock {
  #ahead = 0;
  #speed = 1;
  #since = 0;

  /** From now on the wall clock is so many milliseconds ahead of the machine's, and so much faster. */
  jump(ahead: number, speed = 1): void {
    this.#ahead = ahead;
    this.#speed = speed;
    this.#since = systemClock.monotonic();
  }

  now(): number {
    const gained = (systemClock.monotonic() - this.#since) * (this.#speed - 1);
    return Math.floor(systemClock.now() + this.#ahead + gained);
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(delay: number, listener: () => void): ReturnType<Clock["after"]> {
    return systemClock.after(delay, listener);
  }
}

interface PlayerSurroundings {
  open(options: ConnectOptions): Promise<Bus>;
  engine(): Promise<Broker>;
  now(): number;
  readonly ends: boolean;
}

/** A part of this process that plays a role. */
class Player implements Actor {
  readonly pid = process.pid;
  readonly exited: Promise<number | null>;
  readonly #script = new Script();
  readonly #buses: Bus[] = [];
  #exit: (code: number | null) => void = () => {};

  constructor(role: Role<object>, task: object, around: PlayerSurroundings) {
    this.exited = new Promise((resolve) => (this.#exit = resolve));
    void this.exited.then(() => this.#script.end());
    const open = async (options: ConnectOptions = {}): Promise<Bus> => {
      const bus = await around.open(options);
      this.#buses.push(bus);
      return bus;
    };
    role(task, { open, engine: around.engine, now: around.now, say: (line) => this.#script.add(line) }).then(
      () => around.ends && this.#exit(0),
      (error: unknown) => {
        this.#script.add(String(error));
        this.#exit(1);
      },
    );
  }

  get lines(): readonly string[] {
    return this.#script.lines;
  }

  get isOver(): boolean {
    return this.#script.isOver;
  }

  says(start: string): Promise<string> {
    return this.#script.says(start);
  }

  /** Nothing in a process can be killed or stopped alone: only a request to leave means anything here. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    if (signal !== "SIGTERM") throw new Error(`A part of a process takes no ${signal}`);
    this.#script.add(`signal ${Number(process.hrtime.bigint()) / 1e6}`);
    void Promise.all(this.#buses.map((bus) => bus.close())).then(() => {
      this.#script.add("closed");
      this.#exit(0);
    });
  }

  async kill(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close({ grace: 0 })));
    this.#exit(null);
    await this.exited;
  }
}
