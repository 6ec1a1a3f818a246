import { MemoryEngine } from "../../src/drivers/memory/index.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import type { AgentRecord, InstanceState } from "../../src/registry/record.ts";
import { Registry, type RegistryOptions } from "../../src/registry/registry.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

/** One engine, and registries on it that stand for processes. */
export class Registries {
  readonly clock = new FakeClock();
  readonly #engine = new MemoryEngine(this.clock);
  readonly #started: Registry[] = [];

  async store(): Promise<Store> {
    return (await this.#driver("looking-on")).store;
  }

  async signal(topic: string, data: unknown): Promise<void> {
    (await this.#driver("signalling")).broker.signal(topic, data);
    await settled();
  }

  async start(instance: string, options: Partial<RegistryOptions> = {}): Promise<Registry> {
    const { broker, store } = await this.#driver(instance);
    const registry = new Registry({ store, signals: broker, clock: this.clock, instance, ...options });
    await registry.start();
    this.#started.push(registry);
    return registry;
  }

  async stop(): Promise<void> {
    for (const registry of this.#started.splice(0)) await registry.stop();
  }

  async #driver(instance: string) {
    const driver = this.#engine.driver({
      clock: this.clock,
      codec: jsonCodec,
      scope: "test",
      instance,
      report: () => {},
    });
    await driver.broker.open();
    await driver.store?.open();
    return driver as typeof driver & { store: Store };
  }
}

/** A record with what a test is about. */
export function agent(name: string, given: Partial<AgentRecord> = {}): AgentRecord {
  return {
    name,
    kind: "agent",
    capabilities: [],
    receives: [],
    sends: [],
    subscribes: [],
    concurrency: 1,
    firstSeen: 1,
    ...given,
  };
}

/** What an instance of an agent tells. */
export function doing(name: string, given: Partial<InstanceState> = {}): () => InstanceState {
  return () => ({ agent: name, running: 0, concurrency: 1, ...given });
}

/** Resolves when what is under way has had its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The store with some of its methods replaced. */
export function changed(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const own = methods[name as keyof Store] ?? target[name as keyof Store];
      return typeof own === "function" ? (own as (...given: unknown[]) => unknown).bind(target) : own;
    },
  });
}
