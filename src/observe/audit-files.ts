import { appendFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../internal/clock.ts";
import { Coalesced } from "../internal/coalesced.ts";
import { AUDIT_FILES, type AuditFile, auditLine, auditLines } from "./audit-line.ts";
import type { EventHub } from "./event-hub.ts";
import type { BusEvent } from "./events.ts";

/** What {@link AuditFiles} are built from. */
export interface AuditFilesOptions {
  /** Where the days' folders are; created if missing. */
  readonly directory: string;
  readonly events: EventHub;
  readonly clock: Clock;
  /** Days kept, today not counted; 1 to 36,500, default 30. */
  readonly days?: number;
  /** Told when lines could not be written; they are tried again. */
  onFault?(error: unknown): void;
}

/** What was written since the files were opened. */
export interface AuditStatistics {
  readonly lines: Readonly<Record<AuditFile, number>>;
  readonly bytes: number;
  /** Lines given up because the disk did not take them for so long that memory would have run full. */
  readonly lost: number;
  /** Lines not written yet. */
  readonly waiting: number;
}

const DEFAULT_DAYS = 30;
const DAY = 24 * 60 * 60_000;
const FLUSH_AFTER = 1_000;
const FLUSH_AT = 64 * 1024;
const MOST_WAITING = 16 * 1024 * 1024;
const DAY_FOLDER = /^\d{4}-\d{2}-\d{2}$/;

interface Waiting {
  lines: string[];
  readonly file: AuditFile;
  readonly day: string;
}

/** Writes events as JSON lines to `DIRECTORY/DAY/{agent_activity,message_audit,task_history,performance,errors}_DAY.jsonl` (days in UTC). */
export class AuditFiles {
  readonly #options: AuditFilesOptions;
  readonly #flushing = new Coalesced(() => this.#write());
  readonly #counts = new Map<AuditFile, number>(AUDIT_FILES.map((file) => [file, 0]));
  #waiting = new Map<string, Waiting>();
  #waitingSize = 0;
  #bytes = 0;
  #lost = 0;
  #lostSinceTold = 0;
  #isUrgent = false;
  #day: string;
  #timer: Timer | undefined;
  #unlisten: (() => void) | undefined;

  constructor(options: AuditFilesOptions) {
    this.#options = options;
    this.#day = dayOf(options.clock.now());
  }

  /** Creates the directory, removes what is too old, and listens. */
  async open(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    this.#unlisten = this.#options.events.on("*", (event) => this.#take(event));
  }

  /** Resolves when everything heard so far is written. */
  flush(): Promise<void> {
    return this.#flushing.run();
  }

  /** Stops listening and writes what waits; a failure is told, not thrown. */
  async close(): Promise<void> {
    this.#unlisten?.();
    this.#timer?.cancel();
    await this.flush().catch((error: unknown) => this.#options.onFault?.(error));
  }

  statistics(): AuditStatistics {
    let waiting = 0;
    for (const { lines } of this.#waiting.values()) waiting += lines.length;
    const lines = Object.fromEntries(this.#counts) as Record<AuditFile, number>;
    return { lines, bytes: this.#bytes, lost: this.#lost, waiting };
  }

  #take(event: BusEvent): void {
    for (const [file, line] of auditLines(event)) this.#add(file, line);
    if (this.#waitingSize < FLUSH_AT) this.#flushIn(FLUSH_AFTER);
    else if (!this.#isUrgent) {
      this.#isUrgent = true;
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#flushIn(0);
    }
  }

  #add(file: AuditFile, line: string): void {
    if (this.#waitingSize >= MOST_WAITING) {
      this.#lost++;
      this.#lostSinceTold++;
      return;
    }
    const day = dayOf(this.#options.clock.now());
    const key = `${day} ${file}`;
    let waiting = this.#waiting.get(key);
    if (!waiting) this.#waiting.set(key, (waiting = { lines: [], file, day }));
    waiting.lines.push(line);
    this.#waitingSize += line.length;
  }

  #flushIn(delay: number): void {
    this.#timer ??= this.#options.clock.after(delay, () => {
      this.#timer = undefined;
      this.flush().catch((error: unknown) => {
        this.#options.onFault?.(error);
        this.#flushIn(FLUSH_AFTER);
      });
    });
  }

  async #write(): Promise<void> {
    const { clock } = this.#options;
    this.#isUrgent = false;
    if (this.#lostSinceTold > 0 && this.#waitingSize < MOST_WAITING) {
      const lost = this.#lostSinceTold;
      this.#lostSinceTold = 0;
      this.#add("errors", auditLine("audit.lost", clock.now(), { lines: lost }));
    }
    const all = this.#waiting;
    this.#waiting = new Map();
    for (const [key, waiting] of all) {
      try {
        await this.#append(waiting);
        all.delete(key);
      } catch (error) {
        this.#putBack(all);
        throw error;
      }
    }
    const today = dayOf(clock.now());
    if (today !== this.#day) {
      this.#day = today;
      await this.#removeOld();
    }
  }

  async #append({ lines, file, day }: Waiting): Promise<void> {
    const folder = join(this.#options.directory, day);
    const text = lines.join("");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await appendFile(join(folder, `${file}_${day}.jsonl`), text, { mode: 0o600 });
    this.#waitingSize -= text.length;
    this.#bytes += Buffer.byteLength(text);
    this.#counts.set(file, (this.#counts.get(file) ?? 0) + lines.length);
  }

  #putBack(unwritten: ReadonlyMap<string, Waiting>): void {
    for (const [key, waiting] of unwritten) {
      const newer = this.#waiting.get(key);
      this.#waiting.set(key, newer ? { ...waiting, lines: [...waiting.lines, ...newer.lines] } : waiting);
    }
  }

  async #removeOld(): Promise<void> {
    const { directory, clock, days = DEFAULT_DAYS } = this.#options;
    const oldest = dayOf(clock.now() - days * DAY);
    for (const name of await readdir(directory)) {
      if (DAY_FOLDER.test(name) && name < oldest) await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
