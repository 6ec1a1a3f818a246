export type { DeliverContext, DeliverInterceptor, Context, Handler, HandlerResult } from "./agent/handler.ts";
export { type AgentDefinition, type AgentSpec, defineAgent } from "./agent/definition.ts";
export type { Layer } from "./agent/layer.ts";
export type { Delivery } from "./agent/pulled-delivery.ts";
export type { OwnStatus, Peeked, ReceiveOptions, RunningAgent } from "./agent/running-agent.ts";
export type { AgentTool } from "./agent/tools.ts";
export { type CapabilityReport, CapabilityQuery, HealthCheck, type AgentHealth, StatusQuery, type StatusReport } from "./agent/built-in.ts";
export type { Durability, DurabilityReport } from "./broker/capabilities.ts";
export type { InboxStatus } from "./broker/inbox.ts";
export type { Agents } from "./bus/agents.ts";
export type { ChannelStatus } from "./bus/channels.ts";
export type { DeadLetterFilter, StoredDeadLetter } from "./bus/dead-letters.ts";
export type { PublishContext, PublishInterceptor } from "./bus/origin.ts";
export type { Receipt, ReceiptState, ReceiptStep, SettledOptions, StepName } from "./bus/receipt.ts";
export type { ReplyStream } from "./bus/reply-stream.ts";
export type {
  Accepts,
  Address,
  BroadcastOptions,
  MessageOptions,
  PublishOptions,
  ReplyMessage,
  RequestOptions,
  RequestResult,
  Sender,
  SendOptions,
} from "./bus/sending.ts";
export { connect } from "./connect.ts";
export type { ConnectOptions, Retention } from "./connect-options.ts";
export type { Bus, BusStats, GuaranteesReport } from "./connected-bus.ts";
export { type Backoff, exponential, type ExponentialOptions, linear, type RetryPolicy } from "./delivery/retry-policy.ts";
export { AgentFailure, AgentwireError, ERROR_CODES, type ErrorCode, type ErrorDetails, type Issue } from "./errors.ts";
export * from "./message/index.ts";
export type { BusEvent, EventOf, EventType } from "./observe/events.ts";
export type { AuditStatistics } from "./observe/audit-files.ts";
export type { HealthReport, NamedPart, PartStatus } from "./observe/health.ts";
export { createLogger, type LoggerOptions } from "./observe/logger.ts";
export type { Accounting, TypeCounts } from "./observe/stats.ts";
export { traceDot } from "./observe/trace-dot.ts";
export { traceMermaid } from "./observe/trace-mermaid.ts";
export { traceSvg } from "./observe/trace-svg.ts";
export { traceText } from "./observe/trace-text.ts";
export type { Logger } from "./observe/logger.ts";
export type { AgentChange, AgentListener } from "./registry/agent-changes.ts";
export type { AgentContract } from "./registry/contracts.ts";
export type { PickFunction, PickOptions, PickStrategy } from "./registry/pick.ts";
export type { RegistryStats } from "./registry/registry-stats.ts";
export type { AgentFilter, AgentInfo, AgentKind, AgentLimits, AgentRecord, AgentStatus, Capability, Where } from "./registry/record.ts";
