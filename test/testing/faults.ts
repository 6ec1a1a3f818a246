import { AGING_PERIOD } from "../../src/broker/aging.ts";
import type { Broker } from "../../src/broker/broker.ts";
import type { Delivery } from "../../src/broker/consumer.ts";
import type { Driver } from "../../src/broker/driver.ts";
import type { Publication } from "../../src/broker/publication.ts";
import type { Envelope } from "../../src/message/envelope.ts";
import type { Store } from "../../src/store/store.ts";

/** An object with some members replaced. */
function overlay<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof T];
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? (value as (...values: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** A driver with a fault, made of a right one. */
export type Fault = (driver: Driver) => Driver;

/** Makes a fault of a broker from the members that are wrong. */
export const broker =
  (change: (right: Broker) => Partial<Broker>): Fault =>
  (driver) => ({ ...driver, broker: overlay(driver.broker, change(driver.broker)) });

const store =
  (change: (right: Store) => Partial<Store>): Fault =>
  (driver) => {
    if (!driver.store) throw new Error("a fault of a store needs one");
    return { ...driver, store: overlay(driver.store, change(driver.store)) };
  };

const publications = (change: (batch: readonly Publication[]) => readonly Publication[]): Fault =>
  broker((right) => ({ publish: (batch) => right.publish(change(batch)) }));

const deliveries = (change: (delivery: Delivery) => Partial<Delivery>): Fault =>
  broker((right) => ({
    consume: (inbox, options) =>
      right.consume(inbox, {
        ...options,
        onDeliveries: (given) => options.onDeliveries(given.map((one) => overlay(one, change(one)))),
      }),
  }));

/** Hides fields of messages from the engine, and shows them again at delivery. */
function blindTo(field: keyof Envelope, instead: unknown): Fault {
  const originals = new Map<string, Envelope>();
  const hide: Fault = publications((batch) =>
    batch.map((publication) => {
      originals.set(publication.message.id, publication.message);
      return { ...publication, message: { ...publication.message, [field]: instead } };
    }),
  );
  const show: Fault = deliveries((delivery) => ({ message: originals.get(delivery.message.id) ?? delivery.message }));
  return (driver) => show(hide(driver));
}

const without = (field: keyof Publication): Fault =>
  publications((batch) => batch.map(({ [field]: _, ...rest }) => rest as Publication));

const journalWithout = (kind: string): Fault =>
  store((right) => ({
    read: async (...given) =>
      (await right.read(...given)).map((entry) => ({
        ...entry,
        value: (entry.value as { kind?: string }[]).filter((one) => one.kind !== kind),
      })),
  }));

/** A fault that the suite must find. */
interface Planted {
  /** A guarantee whose cases must find it. */
  readonly breaks: string;
  readonly fault: Fault;
  /** How the name of the case begins that must find it, where others might. */
  readonly by?: string;
}

/** Faults of brokers. */
export const brokerFaults: Readonly<Record<string, Planted>> = {
  "keeps no messages in its journal": { breaks: "history.journal", fault: journalWithout("message") },
  "keeps no hand-offs in its journal": { breaks: "history.journal", fault: journalWithout("hand-offs") },
  "loses acknowledgments": {
    breaks: "G5",
    fault: deliveries((delivery) => ({ settle: (how) => (how.outcome === "end" ? "settled" : delivery.settle(how)) })),
  },
  "acknowledges at hand-off": {
    breaks: "G4",
    fault: broker((right) => ({
      consume: (inbox, options) =>
        right.consume(inbox, {
          ...options,
          onDeliveries: (given) => {
            for (const { message, settle, ...delivery } of given.map((one) => ({
              message: one.message,
              inbox: one.inbox,
              attempt: one.attempt,
              settle: one.settle.bind(one),
            }))) {
              void settle({
                outcome: "end",
                record: {
                  id: message.id,
                  recipient: delivery.inbox,
                  end: "acknowledged",
                  at: 0,
                  attempt: delivery.attempt,
                },
              });
            }
            options.onDeliveries(given);
          },
        }),
    })),
  },
  "reverses batches": {
    breaks: "order.acceptance",
    fault: broker((right) => ({
      publish: async (batch) => [...(await right.publish([...batch].reverse()))].reverse(),
    })),
  },
  "swaps neighbours now and then": {
    breaks: "G8",
    fault: publications((batch) =>
      batch.length > 3 ? [...batch.slice(0, -2), batch.at(-1) as Publication, batch.at(-2) as Publication] : batch,
    ),
  },
  "is blind to priority": { breaks: "order.priority", fault: blindTo("priority", "normal") },
  "is blind to expiry": { breaks: "G10", fault: blindTo("expiresAt", undefined) },
  "is blind to order keys": { breaks: "cancel.supersede", fault: blindTo("key", undefined) },
  "forgets leases": {
    breaks: "lease.lapse",
    fault: broker((right) => ({ consume: (inbox, options) => right.consume(inbox, { ...options, renew: true }) })),
  },
  "does not renew leases": {
    breaks: "lease.renew",
    fault: broker((right) => ({ consume: (inbox, options) => right.consume(inbox, { ...options, renew: false }) })),
  },
  "does not tell lapsed holders": {
    breaks: "lease.fence",
    fault: deliveries((delivery) => ({
      settle: async (how) => {
        await delivery.settle(how);
        return "settled" as const;
      },
    })),
  },
  "does not tell holders of cancelled messages": {
    breaks: "cancel.held",
    fault: broker((right) => ({ consume: (inbox, { onRevoked: _, ...options }) => right.consume(inbox, options) })),
  },
  "marks nothing as redelivered": { breaks: "G7", fault: deliveries(() => ({ redelivered: false })) },
  "does not count attempts": { breaks: "settle.retry", fault: deliveries(() => ({ attempt: 1 })) },
  "counts a release as an attempt": {
    breaks: "order.release",
    fault: deliveries((delivery) => ({
      settle: (how) => delivery.settle(how.outcome === "release" ? { outcome: "retry", delay: 0 } : how),
    })),
  },
  "retries without the delay": {
    breaks: "settle.retry",
    fault: deliveries((delivery) => ({
      settle: (how) => delivery.settle(how.outcome === "retry" ? { ...how, delay: 0 } : how),
    })),
  },
  "loses one message of forty": {
    breaks: "G1",
    fault: (driver) => {
      let count = 0;
      return broker((right) => ({
        publish: (batch) =>
          right.publish(batch.map((publication) => (++count % 40 === 0 ? { ...publication, to: [] } : publication))),
      }))(driver);
    },
  },
  "stores some messages twice": {
    breaks: "G1",
    fault: publications((batch) =>
      batch.map((publication) =>
        "pick" in publication.to || publication.to.length !== 1
          ? publication
          : { ...publication, to: [...publication.to, ...publication.to] },
      ),
    ),
  },
  "changes payloads": {
    breaks: "G2",
    fault: deliveries((delivery) => ({
      message: {
        ...delivery.message,
        payload: JSON.parse(JSON.stringify(delivery.message.payload).replaceAll("ü", "u")) as unknown,
      },
    })),
  },
  "stores for the known recipients only": {
    breaks: "send.atomic",
    fault: broker((right) => ({
      publish: async (batch) => {
        const names = new Set((await right.inspect()).map((inbox) => inbox.name));
        return right.publish(
          batch.map((publication) =>
            "pick" in publication.to
              ? publication
              : { ...publication, to: publication.to.filter((name) => names.has(name)) },
          ),
        );
      },
    })),
  },
  "forgets delays": { breaks: "time.delay", fault: without("dueAt") },
  "forgets idempotency keys": { breaks: "G11", fault: without("dedupe") },
  "forgets what is superseded": { breaks: "cancel.supersede", fault: without("supersedes") },
  "publishes on stale routes": { breaks: "route.stale", fault: without("routedAt") },
  "forgets limits of kinds": { breaks: "inbox.limit", fault: without("limit") },
  "hands refused messages out": { breaks: "send.refused", fault: without("refused") },
  "fails a whole fan-out for one full inbox": { breaks: "fan-out.full", fault: without("fanOut") },
  "always picks the first": {
    breaks: "route.pick",
    fault: publications((batch) =>
      batch.map((publication) =>
        "pick" in publication.to
          ? { ...publication, to: publication.to.pick.slice(0, 1).map((one) => one.inbox) }
          : publication,
      ),
    ),
  },
  "mixes the keys of senders": {
    breaks: "dedupe.sender",
    fault: (driver) => blindTo("from", "anybody")(driver),
  },
  "gives more than the credit": {
    breaks: "take.credit",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        const consumer = await right.consume(inbox, options);
        return overlay(consumer, { credit: (count) => consumer.credit(count + 1) });
      },
    })),
  },
  "adds credit up": {
    breaks: "take.credit",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        let left = 0;
        const consumer = await right.consume(inbox, {
          ...options,
          onDeliveries: (given) => {
            left -= given.length;
            options.onDeliveries(given);
          },
        });
        return overlay(consumer, { credit: (count) => consumer.credit(count === 0 ? (left = 0) : (left += count)) });
      },
    })),
  },
  "answers `tried` before it has handed anything out": {
    breaks: "take.tried",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        const onDeliveries: typeof options.onDeliveries = (given) =>
          void setImmediate(() => options.onDeliveries(given));
        return overlay(await right.consume(inbox, { ...options, onDeliveries }), { tried: async () => {} });
      },
    })),
  },
  "ignores types": {
    breaks: "take.selective",
    fault: broker((right) => ({
      consume: (inbox, { types: _, exceptTypes: __, ...options }) => right.consume(inbox, options),
    })),
  },
  "lets all exclusive consumers work": {
    breaks: "order.exclusive",
    fault: broker((right) => ({ consume: (inbox, { exclusive: _, ...options }) => right.consume(inbox, options) })),
  },
  "ignores pauses": {
    breaks: "inbox.pause",
    fault: broker((right) => ({ declareInbox: ({ paused: _, ...spec }) => right.declareInbox(spec) })),
  },
  "ignores capacities": {
    breaks: "inbox.capacity",
    fault: broker((right) => ({ declareInbox: ({ capacity: _, ...spec }) => right.declareInbox(spec) })),
  },
  "keeps expiring inboxes": {
    breaks: "inbox.expire",
    fault: broker((right) => ({ declareInbox: ({ expiresAfter: _, ...spec }) => right.declareInbox(spec) })),
  },
  "never drops the oldest": {
    breaks: "inbox.drop-oldest",
    fault: broker((right) => ({ declareInbox: ({ overflow: _, ...spec }) => right.declareInbox(spec) })),
  },
  "keeps what it should cancel": {
    breaks: "cancel.waiting",
    fault: broker(() => ({ cancel: async () => ({ ended: 1, held: 0 }) })),
  },
  miscounts: {
    breaks: "receipt.account",
    fault: broker((right) => ({
      inspect: async (names, options) =>
        (await right.inspect(names, options)).map((one) => ({ ...one, waiting: one.waiting - one.held })),
    })),
  },
  "peeks in the wrong order": {
    breaks: "inbox.peek",
    fault: broker((right) => ({
      inspect: async (names, options) =>
        (await right.inspect(names, options)).map((one) =>
          one.messages ? { ...one, messages: [...one.messages].reverse() } : one,
        ),
    })),
  },
  "finds nothing": { breaks: "inbox.find", fault: broker(() => ({ find: async () => [] })) },
  "drops what a settle emits": {
    breaks: "settle.emit",
    fault: deliveries((delivery) => ({
      settle: (how) => delivery.settle(how.outcome === "end" ? { ...how, emit: [] } : how),
    })),
  },
  "drops dead letters": {
    breaks: "dead-letter.kept",
    fault: deliveries((delivery) => ({
      settle: (how) => {
        if (how.outcome !== "end") return delivery.settle(how);
        const { deadLetter: _, ...rest } = how;
        return delivery.settle(rest);
      },
    })),
  },
  "emits after the record is seen": {
    breaks: "settle.atomic",
    fault: broker((right) => ({
      consume: (inbox, options) =>
        right.consume(inbox, {
          ...options,
          onDeliveries: (given) =>
            options.onDeliveries(
              given.map((one) =>
                overlay(one, {
                  settle: async (how) => {
                    if (how.outcome !== "end" || !how.emit) return one.settle(how);
                    const { emit, ...rest } = how;
                    const result = await one.settle(rest);
                    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
                    await right.publish(emit);
                    return result;
                  },
                }),
              ),
            ),
        }),
    })),
  },
  "counts aging for each consumer by itself": {
    breaks: "aging.shared",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        let passedOver = 0;
        const consumer = await right.consume(inbox, {
          ...options,
          onDeliveries: (given) => {
            for (const one of given) {
              const isEarly = one.message.priority === "low" && passedOver < AGING_PERIOD - 1;
              if (!isEarly) {
                passedOver++;
                options.onDeliveries([one]);
                continue;
              }
              void one.settle({ outcome: "release" });
              consumer.credit(1);
            }
          },
        });
        return consumer;
      },
    })),
  },
  "claims a capability that is a gap": {
    breaks: "capability.declared",
    fault: broker((right) => ({ capabilities: { ...right.capabilities, sharedAging: false } })),
  },
  "cannot be paused": {
    breaks: "take.credit",
    by: "hands out nothing once the credit has fallen to 0",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        const consumer = await right.consume(inbox, options);
        return overlay(consumer, { credit: (count) => count > 0 && consumer.credit(count) });
      },
    })),
  },
  "fills a window once": {
    breaks: "take.credit",
    by: "fills a window again and again",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        let room = options.window ?? Number.POSITIVE_INFINITY;
        const consumer = await right.consume(inbox, options);
        return overlay(consumer, {
          credit: (count) => {
            const granted = Math.min(count, room);
            room -= granted;
            consumer.credit(granted);
          },
        });
      },
    })),
  },
  "keeps the removal of an inbox from the holders": {
    breaks: "inbox.delete",
    by: "ends what is held in a removed inbox",
    fault: broker((right) => ({
      consume: (inbox, options) =>
        right.consume(inbox, {
          ...options,
          onRevoked: (delivery, why) => why !== "dropped" && options.onRevoked?.(delivery, why),
        }),
    })),
  },
  "does not count what is held when an inbox is removed": {
    breaks: "inbox.delete",
    by: "ends what is held in a removed inbox",
    fault: broker((right) => ({
      deleteInbox: async (name) => {
        const [status] = await right.inspect([name]);
        return (await right.deleteInbox(name)) - (status?.held ?? 0);
      },
    })),
  },
  "hands a successor what it takes in any order": {
    breaks: "order.exclusive",
    by: "hands whoever takes over what the one before held first",
    fault: broker((right) => ({
      consume: (inbox, options) =>
        right.consume(inbox, {
          ...options,
          onDeliveries: (given) => options.onDeliveries(options.exclusive ? [...given].reverse() : given),
        }),
    })),
  },
  "sends no signals": { breaks: "signal.reach", fault: broker(() => ({ signal: () => {} })) },
  "holds on at closing": { breaks: "close.release", fault: broker(() => ({ close: async () => {} })) },
  "holds on when a consumer closes": {
    breaks: "close.release",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        const consumer = await right.consume(inbox, options);
        return overlay(consumer, { close: () => consumer.close() });
      },
    })),
  },
  "releases what a drained consumer holds": {
    breaks: "close.drain",
    fault: broker((right) => ({
      consume: async (inbox, options) => {
        const consumer = await right.consume(inbox, options);
        return overlay(consumer, { close: () => consumer.close({ release: true }) });
      },
    })),
  },
};

/** Faults where an engine locks order keys. */
export const faultsOfKeys: Readonly<Record<string, Planted>> = {
  "does not lock order keys": {
    breaks: "order.key",
    by: "hands out one message of an order key at a time",
    fault: blindTo("orderKey", undefined),
  },
  "lets a key go on without a retried message": {
    breaks: "order.key",
    by: "keeps an order key waiting",
    fault: blindTo("orderKey", undefined),
  },
};

/** Faults that show only when a process dies. */
export const faultsInDeath: Readonly<Record<string, Planted>> = {
  "does not mark what a dead holder had": {
    breaks: "lease.lapse",
    by: "gives what a dead holder had to another",
    fault: deliveries(() => ({ redelivered: false })),
  },
  "lets the dead settle": {
    breaks: "lease.fence",
    by: "gives what a dead holder had to another",
    fault: deliveries((delivery) => ({
      settle: async (how) => {
        await delivery.settle(how);
        return "settled" as const;
      },
    })),
  },
  "lets exclusive consumers work while the active one lives": {
    breaks: "order.exclusive",
    by: "lets another exclusive consumer take over from a dead one",
    fault: broker((right) => ({ consume: (inbox, { exclusive: _, ...options }) => right.consume(inbox, options) })),
  },
};

/** Faults of stores. */
export const storeFaults: Readonly<Record<string, Planted>> = {
  "ignores revisions": {
    breaks: "store.compare",
    fault: store((right) => ({ put: (key, value, { ifRevision: _, ...rest } = {}) => right.put(key, value, rest) })),
  },
  "ignores times to live": {
    breaks: "store.expire",
    fault: store((right) => ({ put: (key, value, { ttl: _, ...rest } = {}) => right.put(key, value, rest) })),
  },
  "lists backwards": {
    breaks: "store.list",
    fault: store((right) => ({ list: async (...values) => (await right.list(...values)).reverse() })),
  },
  "takes the start of a list without its direction": {
    breaks: "store.list",
    by: "lists by prefix in order",
    fault: store((right) => ({
      list: async (prefix, { after = "", reverse = false, limit = 1_000, ...rest } = {}) => {
        const entries = (await right.list(prefix, rest)).filter((entry) => entry.key > after);
        return (reverse ? entries.reverse() : entries).slice(0, limit);
      },
    })),
  },
  "gives up on a watcher that throws": {
    breaks: "store.watch",
    by: "goes on telling a watcher that throws",
    fault: store((right) => ({
      watch: (prefix, listener) => {
        const stop = right.watch(prefix, (changes) => {
          try {
            listener(changes);
          } catch {
            stop();
          }
        });
        return stop;
      },
    })),
  },
  "forgets where a list starts": {
    breaks: "store.list",
    fault: store((right) => ({ list: (prefix, { after: _, ...rest } = {}) => right.list(prefix, rest) })),
  },
  "counts revisions over all buckets": {
    breaks: "store.revision",
    fault: (driver) => {
      let latest = 0;
      return store((right) => ({
        put: async (key, value, options) => {
          const revision = await right.put(key, value, options);
          latest = revision ?? latest;
          return revision;
        },
        revision: async () => latest,
      }))(driver);
    },
  },
  "tells no watcher": { breaks: "store.watch", fault: store(() => ({ watch: () => () => {} })) },
  "tells watchers who stopped": {
    breaks: "store.watch",
    fault: store((right) => ({
      watch: (prefix, listener) => {
        right.watch(prefix, listener);
        return () => {};
      },
    })),
  },
  "reads a log with a gap": {
    breaks: "store.log",
    fault: store((right) => ({
      read: async (log, options) => (await right.read(log, options)).filter((_, at) => at !== 2),
    })),
  },
  "reads a log from its start always": {
    breaks: "store.log",
    fault: store((right) => ({ read: (log, { after: _, ...rest } = {}) => right.read(log, rest) })),
  },
  "keeps what it should trim": { breaks: "store.trim", fault: store(() => ({ trim: async () => {} })) },
  "trims everything": { breaks: "store.trim", fault: store((right) => ({ trim: (log) => right.trim(log) })) },
  "does half a transaction": {
    breaks: "store.transaction",
    fault: store((right) => ({
      transaction: async (operations) => {
        for (const operation of operations) {
          if ("append" in operation) await right.append(operation.append, operation.values);
          else if (!(await right.transaction([operation]))) return false;
        }
        return true;
      },
    })),
  },
};
