import type { ConsumeOptions, Consumer, Delivery, Revocation } from "../broker/consumer.ts";
import type { Settlement, SettleResult } from "../broker/settlement.ts";
import { aboutMessage } from "../bus/about-message.ts";
import { plainReply, readPayload } from "../bus/checking.ts";
import { ERROR_REPLY } from "../bus/requests.ts";
import type { ResolvedRetryPolicy } from "../delivery/retry-policy.ts";
import { AgentwireError, type ErrorCode } from "../errors.ts";
import { Deadlines } from "../internal/deadlines.ts";
import { Deque } from "../internal/deque.ts";
import type { Envelope } from "../message/envelope.ts";
import type { Message, MessageType } from "../message/index.ts";
import type { HandlerEntry } from "./definition.ts";
import { describeThrown } from "./error-text.ts";
import { judge } from "./failure.ts";
import type { DeliverInterceptor } from "./handler.ts";
import { HandlerContext } from "./handler-context.ts";
import { Run, type RunOwner } from "./handler-run.ts";
import type { AgentHost } from "./host.ts";
import { intercepted, isGenerator, Streamed, streamed } from "./invocation.ts";
import { Lanes } from "./lanes.ts";
import { replyTypeOf } from "./reply-type.ts";
import { type Ending, ending, tellEnding } from "./settling.ts";
import { settleAgain } from "./unsettled.ts";

/** How a worker handles its inbox. */
export interface WorkerOptions {
  readonly handlers: ReadonlyMap<string, HandlerEntry>;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly handlerTimeout: number;
  readonly lease: number;
  readonly retry: ResolvedRetryPolicy;
  readonly orderKey: ((message: Message<MessageType>) => string) | undefined;
  readonly delivering: readonly DeliverInterceptor[];
  readonly onError: ((error: unknown, message: Message<MessageType>) => void) | undefined;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/**
 * Milliseconds between the hand-off and the handler of what an earlier holder of a lane did not end: what kills every
 * process that it comes to must not do so in a hot loop, and nothing of its lane may overtake it. Without lanes the driver waits.
 */
const CRASH_PAUSE = 100;

/** Takes deliveries of one inbox and runs handlers on them, so many at once. */
export class Worker implements RunOwner {
  readonly #host: AgentHost;
  readonly #options: WorkerOptions;
  readonly #waiting = new Deque<Run>();
  readonly #active = new Set<Run>();
  /** Let time pass before their handlers; their lanes wait with them. */
  readonly #later = new Set<Run>();
  /** Over, but the engine has refused to settle them so far. */
  readonly #unsettled = new Set<Run>();
  readonly #lanes: Lanes<Run> | undefined;
  readonly #deadlines: Deadlines<Run>;
  #consumer: Consumer | undefined;
  #running = 0;
  #held = 0;
  #paused = false;
  #stopping = false;
  #pumping = false;
  #crediting = false;
  #idle: (() => void)[] = [];

  constructor(host: AgentHost, options: WorkerOptions) {
    this.#host = host;
    this.#options = options;
    this.#lanes = options.orderKey ? new Lanes() : undefined;
    this.#deadlines = new Deadlines(host.clock, (run) => this.#timedOut(run));
  }

  /** Handlers running now. */
  get running(): number {
    return this.#running;
  }

  /** Starts taking deliveries. */
  async start(filter: Pick<ConsumeOptions, "types" | "exceptTypes">): Promise<void> {
    this.#consumer = await this.#host.broker.consume(this.#host.name, {
      ...filter,
      instance: this.#host.instance,
      lease: this.#options.lease,
      renew: true,
      exclusive: this.#lanes !== undefined,
      window: this.#options.prefetch,
      onDeliveries: (deliveries) => this.#take(deliveries),
      onRevoked: (delivery, why) => this.#revoked(delivery, why),
    });
    this.#credit();
  }

  pause(): void {
    this.#paused = true;
    this.#consumer?.credit(0);
  }

  resume(): void {
    this.#paused = false;
    this.#credit();
    this.#pump();
  }

  /** Takes no more, lets running handlers finish within `grace` milliseconds, and gives the rest back. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.#consumer?.credit(0);
    const leaving = new AgentwireError("CLOSED", `Agent "${this.#host.name}" is leaving`);
    if (this.#running > 0 && grace > 0) {
      const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
      const timer = this.#host.clock.after(grace, () => this.#wakeIdle());
      await idle;
      timer.cancel();
    }
    const begun = [...this.#active, ...this.#unsettled];
    for (const run of begun) {
      run.over = true;
      run.context?.stop(leaving);
    }
    this.#deadlines.clear();
    // Their handlers have seen them: the next hand-off has to be marked as a second one. The rest goes back untouched.
    await Promise.all(
      begun
        .map(async ({ delivery }) => delivery.settle({ outcome: "retry", delay: 0 }))
        .map((given) => given.catch(() => {})),
    );
    await this.#consumer?.close({ release: true });
  }

  async extend(run: Run, length: number): Promise<void> {
    if (run.over)
      throw new AgentwireError(
        "LEASE_LOST",
        `Message ${run.delivery.message.id} no longer belongs to ${this.#host.name}`,
      );
    this.#unlimit(run);
    this.#limit(run, length);
    await run.delivery.extend(this.#options.lease);
  }

  #take(deliveries: readonly Delivery[]): void {
    this.#held += deliveries.length;
    for (const delivery of deliveries) {
      const run = new Run(this, delivery, this.#laneOf(delivery.message));
      if (!this.#lanes) this.#waiting.push(run);
      else if (this.#lanes.enter(run)) this.#enterLane(run);
    }
    this.#pump();
  }

  /** It is the first of its lane. */
  #enterLane(run: Run): void {
    const { redelivered, offeredAt } = run.delivery;
    const pause = redelivered ? Math.min(CRASH_PAUSE, offeredAt + CRASH_PAUSE - this.#host.clock.now()) : 0;
    if (pause > 0) this.#beginLater(run, pause);
    else this.#waiting.push(run);
  }

  #beginLater(run: Run, delay: number): void {
    this.#later.add(run);
    this.#host.clock.after(delay, () => {
      this.#later.delete(run);
      this.#waiting.push(run);
      this.#pump();
    });
  }

  #laneOf(message: Envelope): string | undefined {
    if (!this.#options.orderKey) return undefined;
    try {
      return String(this.#options.orderKey(message as unknown as Message<MessageType>));
    } catch (error) {
      this.#host
        .logFor(message)
        .warn({ error: describeThrown(error).message }, "orderKey threw; the message is handled in a lane of its own");
      return message.id;
    }
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#running < this.#options.concurrency && this.#waiting.length > 0 && !this.#paused && !this.#stopping) {
      this.#begin(this.#waiting.shift() as Run);
    }
    this.#pumping = false;
  }

  #begin(run: Run): void {
    this.#running++;
    if (run.over) return this.#free(run);
    const { leaseEnds } = run.delivery;
    if (leaseEnds !== undefined && leaseEnds <= this.#host.clock.monotonic()) return this.#regain(run);
    this.#open(run);
  }

  /** This process stood still for longer than the lease: the handler runs only if nobody else was handed the message. */
  #regain(run: Run): void {
    this.#active.add(run);
    const go = (): void => {
      if (run.over) return;
      this.#active.delete(run);
      this.#open(run);
    };
    // Where the engine is out of reach, whether the message was lost is seen when it is settled.
    run.delivery.extend(this.#options.lease).then((held) => (held ? go() : this.#lose(run)), go);
  }

  #open(run: Run): void {
    const { message } = run.delivery;
    if (run.cancelled) return this.#conclude(run, { end: run.cancelled });
    if (this.#isPast(message.expiresAt)) return this.#conclude(run, { end: "expired" });
    if (this.#isPast(message.validUntil)) return this.#conclude(run, { end: "expired", code: "VALIDITY_OVER" });
    if (run.attempt > this.#options.retry.attempts) {
      return this.#giveUp(run, "ATTEMPTS_EXHAUSTED", `The process that held the message died ${run.attempt - 1} times`);
    }
    run.entry = this.#options.handlers.get(message.type);
    if (!run.entry) return this.#giveUp(run, "NO_HANDLER", `Agent "${this.#host.name}" takes no ${message.type}`);
    if (this.#host.events.wants("message.offered")) {
      const about = { recipient: this.#host.name, instance: this.#host.instance, attempt: run.attempt };
      this.#host.events.emit({
        type: "message.offered",
        ...aboutMessage(message),
        at: this.#host.clock.now(),
        ...about,
      });
    }
    try {
      const payload = readPayload(run.entry.type, message);
      if (payload instanceof Promise) {
        payload.then(
          (later) => this.#handle(run, later),
          (error: unknown) => this.#unreadable(run, error),
        );
      } else {
        this.#handle(run, payload);
      }
    } catch (error) {
      this.#unreadable(run, error);
    }
  }

  /** Most messages have no such time, and the clock is not asked for them. */
  #isPast(time: number | undefined): boolean {
    return time !== undefined && time <= this.#host.clock.now();
  }

  #handle(run: Run, payload: unknown): void {
    const { message: envelope } = run.delivery;
    const message = (payload === envelope.payload
      ? envelope
      : Object.freeze({ ...envelope, payload })) as unknown as Message<MessageType>;
    const { handler } = run.entry as HandlerEntry;
    run.context = new HandlerContext(this.#host, run);
    let result: unknown;
    try {
      result =
        this.#options.delivering.length === 0
          ? handler(message, run.context)
          : intercepted(handler, this.#options.delivering)(message, run.context);
    } catch (error) {
      return this.#failed(run, error);
    }
    if (result instanceof Promise || isGenerator(result)) {
      this.#active.add(run);
      this.#limit(run, this.#options.handlerTimeout);
      const finished = isGenerator(result) ? streamed(this.#host, run, result) : result;
      finished.then(
        (value) => (isGenerator(value) ? this.#streamLater(run, value) : this.#returned(run, value)),
        (error: unknown) => this.#failed(run, error),
      );
    } else {
      this.#returned(run, result);
    }
  }

  #streamLater(run: Run, chunks: AsyncGenerator<unknown, unknown, void>): void {
    streamed(this.#host, run, chunks).then(
      (value) => this.#returned(run, value),
      (error: unknown) => this.#failed(run, error),
    );
  }

  #returned(run: Run, result: unknown): void {
    if (run.over) return;
    const { type } = run.entry as HandlerEntry;
    const reply = replyTypeOf(type);
    if (!reply) return this.#conclude(run, { end: "acknowledged" });
    const value = result instanceof Streamed ? result.value : result;
    try {
      const plain = plainReply(type, value);
      if (plain instanceof Promise) {
        plain.then(
          (later) => this.#answered(run, reply, later, result),
          (error: unknown) => this.#failed(run, error),
        );
      } else {
        this.#answered(run, reply, plain, result);
      }
    } catch (error) {
      this.#failed(run, error);
    }
  }

  #answered(run: Run, type: MessageType, reply: unknown, result: unknown): void {
    if (run.over) return;
    const { message } = run.delivery;
    if (message.replyInbox === undefined) return this.#conclude(run, { end: "acknowledged", reply });
    const headers = result instanceof Streamed ? result.headers : undefined;
    this.#conclude(run, {
      end: "acknowledged",
      emit: this.#host.sending.dispatcher.reply(this.#host.origin, message, type, reply, headers),
    });
  }

  #unreadable(run: Run, error: unknown): void {
    const code = AgentwireError.is(error) ? error.code : "VALIDATION_FAILED";
    this.#giveUp(
      run,
      code,
      error instanceof Error ? error.message : `The payload of ${run.delivery.message.type} cannot be read`,
    );
  }

  #failed(run: Run, error: unknown): void {
    if (run.over) return;
    const { message } = run.delivery;
    this.#tellOnError(error, message);
    if (run.cancelled) return this.#conclude(run, { end: run.cancelled });
    const verdict = judge(error, message, run.attempt, this.#options.retry, this.#options.random);
    const { thrown } = verdict;
    if (verdict.action === "give-up") return this.#giveUp(run, thrown.code, thrown.message, thrown.data);
    const failure = {
      attempt: run.attempt,
      at: this.#host.clock.now(),
      instance: this.#host.instance,
      code: thrown.code,
      message: thrown.message,
    };
    if (this.#host.events.wants("message.retried")) {
      const about = { recipient: this.#host.name, instance: this.#host.instance, attempt: run.attempt };
      this.#host.events.emit({
        type: "message.retried",
        ...aboutMessage(message),
        at: failure.at,
        ...about,
        delay: verdict.delay,
        code: thrown.code,
        reason: thrown.message,
      });
    }
    if (run.lane !== undefined) return this.#retryInLane(run, verdict.delay, failure);
    this.#leave(run);
    this.#settle(run, { outcome: "retry", delay: verdict.delay, failure });
    this.#free(run);
  }

  /** The lane waits with its head, so that nothing of the same key overtakes it. */
  #retryInLane(run: Run, delay: number, failure: Run["failures"][number]): void {
    this.#active.delete(run);
    this.#unlimit(run);
    run.failures = [...run.failures, failure];
    run.attempt++;
    this.#running--;
    this.#beginLater(run, delay);
    this.#wakeWhenIdle();
    this.#pump();
  }

  #giveUp(run: Run, code: string, reason: string, data?: unknown): void {
    const { message } = run.delivery;
    const how: Ending = { end: "dead-lettered", code, reason };
    if (message.replyInbox === undefined) return this.#conclude(run, how);
    const failure = { code, message: reason, ...(data === undefined ? {} : { data }) };
    this.#conclude(run, {
      ...how,
      emit: this.#host.sending.dispatcher.reply(this.#host.origin, message, ERROR_TYPE, failure, undefined),
    });
  }

  #conclude(run: Run, how: Ending): void {
    this.#leave(run);
    this.#settle(run, ending(this.#host, run, how), how);
    this.#free(run);
  }

  #settle(run: Run, settlement: Settlement, how?: Ending): void {
    const { delivery } = run;
    const result = delivery.settle(settlement);
    if (!(result instanceof Promise)) return this.#settled(run, result, how);
    const done = (answer: SettleResult): void => this.#settled(run, answer, how);
    // It still counts as held: an engine that refuses settles gets no more to settle than the prefetch.
    result.then(done, (error: unknown) => {
      this.#unsettled.add(run);
      settleAgain(this.#host, { delivery, settlement, error }, (answer) => {
        this.#unsettled.delete(run);
        done(answer);
      });
    });
  }

  #settled(run: Run, result: SettleResult, how: Ending | undefined): void {
    this.#held--;
    if (how) tellEnding(this.#host, run, how, result);
    this.#credit();
  }

  #timedOut(run: Run): void {
    const { message } = run.delivery;
    const error = new AgentwireError(
      "HANDLER_TIMEOUT",
      `The handler of ${message.type} in "${this.#host.name}" did not end within ${run.limit} ms`,
    );
    run.limit = 0;
    run.context?.stop(error);
    this.#failed(run, error);
  }

  #revoked(delivery: Delivery, why: Revocation): void {
    const run = this.#find(delivery);
    if (!run || run.over) return;
    if (why === "lease-lost") return this.#lose(run);
    run.cancelled = why;
    const code = why.toUpperCase() as Extract<ErrorCode, "SUPERSEDED" | "WITHDRAWN" | "DROPPED">;
    run.context?.stop(new AgentwireError(code, `Message ${delivery.message.id} was ${why}`));
  }

  /** The message has gone to another holder. */
  #lose(run: Run): void {
    if (run.over) return;
    const wasActive = this.#active.has(run);
    this.#leave(run);
    this.#held--;
    run.context?.stop(
      new AgentwireError("LEASE_LOST", `Message ${run.delivery.message.id} has gone to another instance`),
    );
    if (wasActive) this.#free(run);
    this.#credit();
  }

  #find(delivery: Delivery): Run | undefined {
    for (const run of this.#active) if (run.delivery === delivery) return run;
    for (const run of this.#later) if (run.delivery === delivery) return run;
    for (const run of this.#waiting) if (run.delivery === delivery) return run;
    return this.#lanes?.find((run) => run.delivery === delivery);
  }

  #leave(run: Run): void {
    run.over = true;
    this.#active.delete(run);
    this.#unlimit(run);
  }

  #free(run: Run): void {
    this.#running--;
    if (run.lane !== undefined) {
      const next = this.#lanes?.leave(run);
      if (next) this.#enterLane(next);
    }
    this.#wakeWhenIdle();
    this.#pump();
  }

  #credit(): void {
    if (this.#crediting || this.#paused || this.#stopping) return;
    this.#crediting = true;
    queueMicrotask(() => {
      this.#crediting = false;
      if (!this.#paused && !this.#stopping) this.#consumer?.credit(Math.max(0, this.#options.prefetch - this.#held));
    });
  }

  #limit(run: Run, length: number): void {
    run.limit = length;
    this.#deadlines.add(run, length);
  }

  #unlimit(run: Run): void {
    if (run.limit > 0) this.#deadlines.delete(run, run.limit);
  }

  #wakeWhenIdle(): void {
    if (this.#running === 0 && this.#idle.length > 0) this.#wakeIdle();
  }

  #wakeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #tellOnError(error: unknown, message: Envelope): void {
    try {
      this.#options.onError?.(error, message as unknown as Message<MessageType>);
    } catch (second) {
      this.#host.logFor(message).warn({ error: describeThrown(second).message }, "onError threw");
    }
  }
}

const ERROR_TYPE = Object.freeze({ name: ERROR_REPLY, version: 1 }) as MessageType;
