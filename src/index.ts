export {
  type AgentHealth,
  CapabilityQuery,
  type CapabilityReport,
  HealthCheck,
  StatusQuery,
  type StatusReport,
} from "./agent/built-in.ts";
export { type AgentDefinition, type AgentSpec, type AnyAgentDefinition, defineAgent } from "./agent/definition.ts";
export type { Context, DeliverContext, DeliverInterceptor, Handler, HandlerResult } from "./agent/handler.ts";
export type { Layer } from "./agent/layer.ts";
export type { Delivery } from "./agent/pulled-delivery.ts";
export type { OwnStatus, Peeked, ReceiveOptions, RunningAgent, SubscribeOptions } from "./agent/running-agent.ts";
export type { AgentTool } from "./agent/tools.ts";
export type { Salvaged } from "./broker/driver.ts";
export type { InboxStatus } from "./broker/inbox.ts";
export type { Agents } from "./bus/agents.ts";
export type { SubscribeFrom } from "./bus/catch-up.ts";
export type { ChannelStatus, Channels } from "./bus/channels.ts";
export type { DeadLetterFilter, DeadLetters, StoredDeadLetter } from "./bus/dead-letters.ts";
export type { ForeignEvent } from "./bus/event-bridge.ts";
export type { Events } from "./bus/events-api.ts";
export type { Inboxes } from "./bus/inboxes.ts";
export type { Journal, Replayed, ReplayOptions } from "./bus/journal-api.ts";
export type { PublishContext, PublishInterceptor } from "./bus/origin.ts";
export type { Receipt, ReceiptState, ReceiptStep, SettledOptions, StepName } from "./bus/receipt.ts";
export type {
  Accepts,
  Address,
  BroadcastOptions,
  MessageOptions,
  PublishOptions,
  ReplyMessage,
  ReplyStream,
  RequestOptions,
  RequestResult,
  Sender,
  SendOptions,
} from "./bus/sending.ts";
export type { AgentConfig, RetryConfig } from "./config/agent-config.ts";
export type { Crew, CrewChange, LoadOptions } from "./config/crew.ts";
export { type AgentFactory, defineFactory, type Factories, type FactoryInput } from "./config/factory.ts";
export { connect, salvage } from "./connect.ts";
export type { AuditOptions, ConnectOptions, Retention } from "./connect-options.ts";
export type { Bus, BusStats, GuaranteesReport } from "./connected-bus.ts";
export {
  type Backoff,
  type ExponentialOptions,
  exponential,
  linear,
  type RetryPolicy,
} from "./delivery/retry-policy.ts";
export {
  AgentFailure,
  AgentwireError,
  type ConfigIssue,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type Issue,
} from "./errors.ts";
export type { Envelope } from "./message/envelope.ts";
export {
  type AnyMessage,
  type BinaryCloudEvent,
  type Budget,
  type ChannelParameters,
  type ChannelTemplate,
  type ChunkInputOf,
  type ChunkOf,
  type CloudEvent,
  type CompiledType,
  type Contract,
  type ContractChange,
  type Contracts,
  channel,
  compareContracts,
  contractsOf,
  type DraftOptions,
  type Duration,
  defineMessage,
  fromBinaryCloudEvent,
  fromCloudEvent,
  type Headers,
  type InputOf,
  type JsonSchema,
  jsonSchema,
  type Message,
  type MessageDraft,
  type MessageType,
  type None,
  type OutputOf,
  PRIORITIES,
  type Priority,
  type ReplyInputOf,
  type ReplyOf,
  type Schema,
  type StandardSchemaV1,
  type TypeOptions,
  toBinaryCloudEvent,
  toCloudEvent,
  type Upcast,
} from "./message/index.ts";
export { type MigrateOptions, migrate } from "./migration/index.ts";
export type { MigrationProgress, MigrationReport } from "./migration/progress.ts";
export type { AuditStatistics } from "./observe/audit-files.ts";
export type { BusEvent, EventOf, EventType } from "./observe/events.ts";
export type { HealthReport, NamedPart, PartStatus } from "./observe/health.ts";
export type { HistoryQuery } from "./observe/journal.ts";
export type { HistoryFilter, JournalEntry, Journaled } from "./observe/journal-entry.ts";
export { createLogger, type Logger, type LoggerOptions } from "./observe/logger.ts";
export type { Accounting, TypeCounts } from "./observe/stats.ts";
export type { Trace, TraceDelivery, TraceFailure, TraceNode } from "./observe/trace.ts";
export { traceDot } from "./observe/trace-dot.ts";
export { traceMermaid } from "./observe/trace-mermaid.ts";
export { traceSvg } from "./observe/trace-svg.ts";
export { traceText } from "./observe/trace-text.ts";
export type { AgentChange, AgentListener } from "./registry/agent-changes.ts";
export type { ChannelDeclaration } from "./registry/channel-book.ts";
export type { AgentContract } from "./registry/contracts.ts";
export type { PickFunction, PickOptions, PickStrategy } from "./registry/pick.ts";
export type {
  AgentFilter,
  AgentInfo,
  AgentKind,
  AgentLimits,
  AgentRecord,
  AgentStatus,
  Capability,
  Where,
} from "./registry/record.ts";
export type { RegistryStats } from "./registry/registry-stats.ts";
export type { Durability, DurabilityReport } from "./store/durability.ts";
