import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { AnyAgentDefinition } from "../agent/definition.ts";
import { describeThrown } from "../agent/error-text.ts";
import type { RunningAgent } from "../agent/running-agent.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Duration } from "../message/duration.ts";
import type { Logger } from "../observe/logger.ts";
import { readConfigFile } from "./config-file.ts";
import { type Entry, isDefinition, readEntries } from "./entry.ts";
import type { Factories } from "./factory.ts";
import { watchFile } from "./file-watch.ts";
import { Issues } from "./issues.ts";
import { makeDefinition } from "./make-definition.ts";

/** Options of `bus.load`. */
export interface LoadOptions {
  /** By the names that the file uses; `default` makes the agents that name none. */
  readonly factories?: Factories;
  /** Reads the file again whenever it changes. Default false. */
  readonly watch?: boolean;
  /** Told what a change of the watched file has changed. */
  onChange?(change: CrewChange): void;
  /** Told why a change of the watched file was not taken; a warning is logged too. */
  onFault?(error: unknown): void;
}

/** What a reload has changed: names of agents. */
export interface CrewChange {
  readonly joined: readonly string[];
  /** Left and joined again. */
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

/** The running agents of one configuration file. Leaving its scope makes them leave. */
export interface Crew extends AsyncDisposable {
  /** The file's absolute path. */
  readonly file: string;
  /** Those that run now, by name. */
  readonly agents: ReadonlyMap<string, RunningAgent<never, never>>;
  /**
   * Reads the file again: new agents join, changed ones drain and join again, those no longer there leave, the others go
   * on. A file with faults changes nothing. An agent that cannot join is told of, and goes on as it was.
   * @throws CONFIG_INVALID, DRIVER_MISSING, CLOSED, and what `bus.join` throws
   */
  reload(): Promise<CrewChange>;
  /** Stops watching; all its agents leave, with `grace` (default `"10s"`) for running handlers. */
  leave(options?: { readonly grace?: Duration }): Promise<void>;
}

/** What a crew needs of its bus. */
export interface CrewBus {
  readonly clock: Clock;
  readonly logger: Logger;
  join(definition: AnyAgentDefinition): Promise<RunningAgent<never, never>>;
  /** Calls `stop` when the bus closes. */
  onClosing(stop: () => void): void;
}

interface Member {
  readonly entry: Entry;
  readonly definition: AnyAgentDefinition;
  readonly agent: RunningAgent<never, never>;
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set(["factories", "watch", "onChange", "onFault"]);

/** Makes the agents of a configuration file join. @throws CONFIG_INVALID, DRIVER_MISSING, ARGUMENT_INVALID, and what `bus.join` throws */
export async function loadCrew(file: string | URL, options: LoadOptions, bus: CrewBus): Promise<Crew> {
  for (const name of Object.keys(options))
    if (!KNOWN_OPTIONS.has(name)) throw new AgentwireError("ARGUMENT_INVALID", `load has no option "${name}"`);
  const crew = new FileCrew(pathOf(file), options, bus);
  bus.onClosing(() => crew.stop());
  await crew.start();
  return crew;
}

function pathOf(file: string | URL): string {
  if (typeof file === "string") return resolve(file);
  if (file instanceof URL && file.protocol === "file:") return fileURLToPath(file);
  throw new AgentwireError("ARGUMENT_INVALID", "load takes the path of a file, or its file: URL");
}

class FileCrew implements Crew {
  readonly file: string;
  readonly #options: LoadOptions;
  readonly #bus: CrewBus;
  readonly #members = new Map<string, Member>();
  #turn: Promise<unknown> = Promise.resolve();
  #unwatch: (() => void) | undefined;
  #stopped = false;

  constructor(file: string, options: LoadOptions, bus: CrewBus) {
    this.file = file;
    this.#options = options;
    this.#bus = bus;
  }

  get agents(): ReadonlyMap<string, RunningAgent<never, never>> {
    return new Map([...this.#members].map(([name, { agent }]) => [name, agent]));
  }

  async start(): Promise<void> {
    try {
      await this.reload();
      if (!this.#options.watch || this.#stopped) return;
      this.#watch();
    } catch (error) {
      await this.leave().catch((thrown: unknown) => this.#log(thrown));
      throw error;
    }
    // What was written before the watching began.
    await this.#fileChanged();
  }

  reload(): Promise<CrewChange> {
    const change = this.#turn.then(() => this.#reload());
    this.#turn = change.catch(() => {});
    return change;
  }

  async leave(options: { readonly grace?: Duration } = {}): Promise<void> {
    this.stop();
    await this.#turn;
    await Promise.all([...this.#members.values()].map(({ agent }) => agent.leave(options)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  stop(): void {
    this.#stopped = true;
    this.#unwatch?.();
  }

  async #reload(): Promise<CrewChange> {
    if (this.#stopped) throw new AgentwireError("CLOSED", `The crew of ${this.file} has left`);
    const { entries, made } = await this.#read();
    const wanted = new Set(entries.map((entry) => entry.name));
    const left = [...this.#members.keys()].filter((name) => !wanted.has(name));
    const changed = made.filter(({ entry }) => this.#members.has(entry.name)).map(({ entry }) => entry.name);
    const joined = made.map(({ entry }) => entry.name).filter((name) => !changed.includes(name));
    const ends = await Promise.allSettled([
      ...left.map((name) => this.#end(this.#members.get(name))),
      ...made.map(({ entry, definition }) => this.#replace(entry, definition)),
    ]);
    const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    for (const more of failures.slice(1)) this.#log(more);
    if (failures.length > 0) throw failures[0];
    return { joined, changed, left };
  }

  /** The file's agents, and definitions of those that do not run as it says. */
  async #read(): Promise<{ entries: Entry[]; made: { entry: Entry; definition: AnyAgentDefinition }[] }> {
    const factories = this.#options.factories ?? {};
    const { value, issues } = await readConfigFile(this.file);
    const entries = readEntries(value, Object.keys(factories), issues);
    const made: { entry: Entry; definition: AnyAgentDefinition }[] = [];
    for (const entry of entries) {
      if (isSame(this.#members.get(entry.name)?.entry.source, entry.source)) continue;
      const definition = await makeDefinition(entry, factories, issues);
      if (definition) made.push({ entry, definition });
    }
    if (issues.count > 0) throw issues.error(this.file);
    return { entries, made };
  }

  async #replace(entry: Entry, definition: AnyAgentDefinition): Promise<void> {
    const before = this.#members.get(entry.name);
    await this.#end(before);
    try {
      await this.#join(entry, definition);
    } catch (error) {
      if (before) await this.#join(before.entry, before.definition);
      throw error;
    }
  }

  async #join(entry: Entry, definition: AnyAgentDefinition): Promise<void> {
    const agent = await this.#bus.join(definition);
    this.#members.set(entry.name, { entry, definition, agent });
    void agent.closed.then(() => {
      if (this.#members.get(entry.name)?.agent === agent) this.#members.delete(entry.name);
    });
  }

  /** An agent whose `onStop` throws has left all the same. */
  async #end(member: Member | undefined): Promise<void> {
    await member?.agent.leave().catch((error: unknown) => this.#log(error));
  }

  #watch(): void {
    try {
      this.#unwatch = watchFile(this.file, {
        clock: this.#bus.clock,
        onChange: () => void this.#fileChanged(),
        onError: (error) => this.#tellFault(error),
      });
    } catch (cause) {
      const issues = new Issues();
      issues.add([], `cannot be watched (${(cause as NodeJS.ErrnoException).code})`);
      throw issues.error(this.file, cause);
    }
  }

  async #fileChanged(): Promise<void> {
    if (this.#stopped) return;
    try {
      const change = await this.reload();
      if (change.joined.length + change.changed.length + change.left.length > 0) this.#options.onChange?.(change);
    } catch (error) {
      if (!this.#stopped) this.#tellFault(error);
    }
  }

  #tellFault(error: unknown): void {
    this.#log(error);
    try {
      this.#options.onFault?.(error);
    } catch (thrown) {
      this.#log(thrown);
    }
  }

  #log(error: unknown): void {
    this.#bus.logger.warn({ file: this.file, error: describeThrown(error).message }, "A crew met a fault");
  }
}

/** Definitions are compared by identity: functions tell nothing of what they do. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (!isDefinition(one) && !isDefinition(other) && isDeepStrictEqual(one, other));
}
