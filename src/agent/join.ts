import type { Broker } from "../broker/broker.ts";
import type { SendingParts } from "../bus/bound-sender.ts";
import type { Budgets } from "../bus/budgets.ts";
import type { CatchUp } from "../bus/catch-up.ts";
import type { PublishInterceptor } from "../bus/origin.ts";
import { resolveRetryPolicy } from "../delivery/retry-policy.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";
import { parseDuration } from "../message/duration.ts";
import type { JsonSchema, MessageType } from "../message/index.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { Logger } from "../observe/logger.ts";
import { packageVersion } from "../package-version.ts";
import type { AgentContract, ContractBook } from "../registry/contracts.ts";
import type { AgentRecord, InstanceState } from "../registry/record.ts";
import type { Registry } from "../registry/registry.ts";
import { BUILT_IN_TYPES, builtInHandlers, type StatusReport } from "./built-in.ts";
import type { AnyAgentDefinition, DefinitionParts, HandlerEntry } from "./definition.ts";
import { AgentHost } from "./host.ts";
import type { Layer } from "./layer.ts";
import { JoinedAgent, type Membership, type OwnStatus } from "./running-agent.ts";
import { toolsOf } from "./tools.ts";
import { Worker } from "./worker.ts";

/** What joining needs of the bus. */
export interface JoinParts {
  readonly instance: string;
  readonly broker: Broker;
  readonly registry: Registry;
  readonly contracts: ContractBook;
  readonly catchUp: CatchUp;
  readonly sending: SendingParts;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly logger: Logger;
  readonly keepAlive: KeepAlive;
  readonly layers: readonly Layer[];
  readonly random: () => number;
}

const DEFAULT_LEASE = 30_000;
/** Milliseconds. */
export const SHORTEST_LEASE = 100;
const DEFAULT_HANDLER_TIMEOUT = 5 * 60_000;
const LEAST_PREFETCH = 8;

/**
 * Makes a definition a running agent: `onStart`, inbox, record, subscriptions, then its first delivery. One whose `onStart`
 * throws leaves no trace; where joining fails after it, `onStop` closes what it opened.
 */
export async function join(definition: AnyAgentDefinition, parts: JoinParts): Promise<JoinedAgent> {
  const { spec, handlers } = definition["~parts"];
  const { broker, registry, clock, events } = parts;
  const concurrency = spec.concurrency ?? 1;
  const lease =
    spec.lease === undefined ? DEFAULT_LEASE : parseDuration(spec.lease, { name: "lease", min: SHORTEST_LEASE });
  const retry = resolveRetryPolicy(spec.retry);
  const layers = [...parts.layers, ...(spec.use ?? [])];
  const host = new AgentHost({
    name: spec.name,
    instance: parts.instance,
    sends: new Set((spec.sends ?? []).map((type) => type.name)),
    publishing: layers.flatMap((layer): PublishInterceptor[] => (layer.publish ? [layer.publish] : [])),
    sending: parts.sending,
    broker,
    budgets: parts.budgets,
    clock,
    events,
    logger: parts.logger,
  });

  const state: { -readonly [K in keyof InstanceState]: InstanceState[K] } = {
    agent: spec.name,
    running: 0,
    concurrency,
  };
  let worker: Worker | undefined;
  const report = (): StatusReport =>
    statusReport(
      spec,
      host,
      worker?.running ?? 0,
      concurrency,
      state.status,
      registry.directory.get(spec.name)?.record,
    );
  const builtIn = new Map([...builtInHandlers(report)].filter(([name]) => !handlers.has(name)));
  const pulled = (spec.receives ?? []).filter((type) => !handlers.has(type.name));
  const all: ReadonlyMap<string, HandlerEntry> = new Map([...builtIn, ...handlers]);

  worker = new Worker(host, {
    handlers: all,
    concurrency,
    prefetch: spec.prefetch ?? Math.max(LEAST_PREFETCH, 2 * concurrency),
    handlerTimeout:
      spec.handlerTimeout === undefined
        ? DEFAULT_HANDLER_TIMEOUT
        : parseDuration(spec.handlerTimeout, { name: "handlerTimeout", min: 1 }),
    lease,
    retry,
    orderKey: spec.orderKey,
    delivering: layers.flatMap((layer) => (layer.deliver ? [layer.deliver] : [])),
    onError: spec.onError,
    random: parts.random,
  });
  // What is taken by pull stays in the inbox until somebody pulls; where the engine cannot choose, only the built-in answers are given up.
  const selective = broker.capabilities.selective;
  if (pulled.length > 0 && handlers.size > 0 && !selective) {
    throw new AgentwireError(
      "UNSUPPORTED",
      `${broker.capabilities.driver} cannot split the inbox of "${spec.name}" between handlers and pull`,
    );
  }
  const works = pulled.length === 0 || selective;
  const doing = (): InstanceState => ({ ...state, running: worker?.running ?? 0 });
  await spec.onStart?.();
  try {
    await broker.declareInbox({
      name: spec.name,
      ...(spec.capacity === undefined ? {} : { capacity: spec.capacity }),
      overflow: spec.overflow === "drop-oldest" ? "drop-oldest" : "reject",
    });
    await Promise.all([
      registry.register(recordOf(definition["~parts"], pulled, clock.now())),
      parts.contracts.save(spec.name, contractOf(definition["~parts"], pulled)),
    ]);
    registry.announce(spec.name, doing);
    if (works) await worker.start(pulled.length === 0 ? {} : { exceptTypes: pulled.map((type) => type.name) });
  } catch (error) {
    // Why it could not join says more than what fails while it goes.
    await Promise.allSettled([registry.retire(spec.name, doing), (async () => spec.onStop?.())()]);
    throw error;
  }
  if (handlers.size > 0) parts.keepAlive.hold();
  if (events.wants("agent.joined"))
    events.emit({ type: "agent.joined", at: clock.now(), agent: spec.name, instance: parts.instance });

  const membership: Membership = {
    find: (filter) => registry.find(filter),
    subscribe: async (pattern, { from }) => {
      const subscribe = (): Promise<void> => registry.subscribe(spec.name, pattern);
      if (from === undefined) await subscribe();
      else await parts.catchUp.subscribe({ agent: spec.name, pattern, from }, subscribe);
      if (events.wants("channel.subscribed"))
        events.emit({ type: "channel.subscribed", at: clock.now(), channel: pattern, agent: spec.name });
    },
    unsubscribe: async (pattern) => {
      await registry.unsubscribe(spec.name, pattern);
      if (events.wants("channel.unsubscribed"))
        events.emit({ type: "channel.unsubscribed", at: clock.now(), channel: pattern, agent: spec.name });
    },
    setStatus: async (status: OwnStatus) => {
      if (status === "online") delete state.status;
      else state.status = status;
      await registry.announceNow();
    },
    leave: async () => {
      if (handlers.size > 0) parts.keepAlive.release();
      await registry.retire(spec.name, doing);
      if (events.wants("agent.left"))
        events.emit({ type: "agent.left", at: clock.now(), agent: spec.name, instance: parts.instance });
    },
  };
  const types = new Map(pulled.map((type) => [type.name, type]));
  return new JoinedAgent({
    host,
    membership,
    worker: works ? worker : undefined,
    pull: {
      types,
      retry,
      random: parts.random,
      lease,
      handled: works ? [...all.keys()] : [],
      keepAlive: parts.keepAlive,
    },
    tools: () =>
      toolsOf(spec.name, [...[...handlers.values()].map((entry) => entry.type), ...pulled], host.sending.outside),
    onStop: spec.onStop?.bind(spec),
  });
}

function recordOf({ spec, handlers }: DefinitionParts, pulled: readonly MessageType[], now: number): AgentRecord {
  const types = [...[...handlers.values()].map((entry) => entry.type), ...pulled];
  const given = Object.fromEntries(
    (["description", "role", "department", "region", "labels", "limits", "metadata"] as const).flatMap((name) =>
      spec[name] === undefined ? [] : [[name, spec[name]]],
    ),
  );
  return {
    ...given,
    name: spec.name,
    kind: spec.kind ?? "agent",
    capabilities: (spec.capabilities ?? []).map((capability) =>
      typeof capability === "string" ? { name: capability } : capability,
    ),
    receives: [...new Set([...types, ...BUILT_IN_TYPES].map((type) => type.name))],
    sends: (spec.sends ?? []).map((type) => type.name),
    subscribes: [...(spec.subscribes ?? [])],
    concurrency: spec.concurrency ?? 1,
    ...(spec.overflow === "wait" ? { waits: true } : {}),
    firstSeen: now,
  };
}

function contractOf({ spec, handlers }: DefinitionParts, pulled: readonly MessageType[]): AgentContract {
  const schemas = (types: readonly MessageType[]): AgentContract["receives"] =>
    Object.fromEntries(types.flatMap(exported));
  return {
    receives: schemas([...[...handlers.values()].map((entry) => entry.type), ...pulled]),
    sends: schemas(spec.sends ?? []),
  };
}

function exported(type: MessageType): [string, JsonSchema][] {
  try {
    return [[type.name, type.jsonSchema()]];
  } catch {
    return [];
  }
}

function statusReport(
  spec: DefinitionParts["spec"],
  host: AgentHost,
  running: number,
  concurrency: number,
  status: string | undefined,
  record: AgentRecord | undefined,
): StatusReport {
  return {
    agent: spec.name,
    instance: host.instance,
    status: status ?? (running >= concurrency ? "busy" : "online"),
    ...(spec.role === undefined ? {} : { role: spec.role }),
    ...(spec.department === undefined ? {} : { department: spec.department }),
    capabilities: record?.capabilities ?? [],
    types: record?.receives ?? [],
    running,
    concurrency,
    load: running / concurrency,
    time: host.clock.now(),
    library: packageVersion(),
  };
}
