import type { CopyLimit } from "../broker/publication.ts";
import { matchesWhere } from "./agent-match.ts";
import { nearNames } from "./agent-name-distance.ts";
import type { Attendance } from "./attendance.ts";
import { ChannelLimits } from "./channel-limits.ts";
import { ChannelRoutes } from "./channel-routes.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";
import { KnownAgent } from "./known-agent.ts";
import type { AgentRecord, Where } from "./record.ts";
import type { RecordBook } from "./record-book.ts";
import { SubscriberIndex } from "./subscriber-index.ts";

const NOBODY: readonly DirectoryEntry[] = [];

type Index = ReadonlyMap<string, readonly DirectoryEntry[]>;

/** The {@link Directory} over the record book: indexes are made when first asked for, and again after a record changed. */
export class DirectoryView implements Directory {
  readonly #book: RecordBook;
  readonly #attendance: Attendance;
  readonly #entries = new Map<string, KnownAgent>();
  #all: readonly DirectoryEntry[] | undefined;
  #byType: Index | undefined;
  #byRole: Index | undefined;
  #byCapability: Index | undefined;
  #subscribers: SubscriberIndex | undefined;
  #channelRoutes: ChannelRoutes | undefined;
  #channelLimits: ChannelLimits | undefined;

  constructor(book: RecordBook, attendance: Attendance) {
    this.#book = book;
    this.#attendance = attendance;
  }

  get revision(): number {
    return this.#book.revision;
  }

  refresh(): Promise<void> {
    return this.#book.refresh();
  }

  get(name: string): DirectoryEntry | undefined {
    const record = this.#book.get(name);
    return record && this.#entry(record);
  }

  match(where: Where): readonly DirectoryEntry[] {
    const { role, capability, department, region, label } = where;
    const candidates =
      role !== undefined ? this.#roles(role) : capability !== undefined ? this.#capable(capability) : this.all();
    const given = [role, capability, department, region, label].filter((value) => value !== undefined).length;
    const isIndexed = role !== undefined || capability !== undefined;
    return given === (isIndexed ? 1 : 0) ? candidates : candidates.filter((entry) => matchesWhere(entry.record, where));
  }

  takers(type: string): readonly DirectoryEntry[] {
    this.#byType ??= indexed(this.all(), (record) => record.receives);
    return this.#byType.get(type) ?? NOBODY;
  }

  subscribers(channel: string): readonly DirectoryEntry[] {
    this.#subscribers ??= new SubscriberIndex(this.all(), this.#routes());
    return this.#subscribers.of(channel);
  }

  channelsFrom(channel: string): Iterable<string> {
    return this.#routes().from(channel);
  }

  limitOf(channel: string): CopyLimit | undefined {
    this.#channelLimits ??= new ChannelLimits(this.#book.rules());
    return this.#channelLimits.of(channel);
  }

  all(): readonly DirectoryEntry[] {
    this.#all ??= [...this.#book.records()].sort(byRegistration).map(({ record }) => this.#entry(record));
    return this.#all;
  }

  suggest(name: string): string[] {
    return nearNames(
      name,
      this.all().map((entry) => entry.record.name),
    );
  }

  /** Records of these agents, or rules of channels, were added, changed or removed. */
  changed(names: readonly string[]): void {
    for (const name of names) this.#entries.delete(name);
    this.#all = undefined;
    this.#byType = undefined;
    this.#byRole = undefined;
    this.#byCapability = undefined;
    this.#subscribers = undefined;
    this.#channelRoutes = undefined;
    this.#channelLimits = undefined;
  }

  #routes(): ChannelRoutes {
    this.#channelRoutes ??= new ChannelRoutes(this.#book.rules());
    return this.#channelRoutes;
  }

  #roles(role: string): readonly DirectoryEntry[] {
    this.#byRole ??= indexed(this.all(), (record) => (record.role === undefined ? [] : [record.role]));
    return this.#byRole.get(role) ?? NOBODY;
  }

  #capable(capability: string): readonly DirectoryEntry[] {
    this.#byCapability ??= indexed(this.all(), ({ capabilities }) =>
      capabilities.flatMap(({ name, version }) => (version === undefined ? [name] : [name, `${name}@${version}`])),
    );
    return this.#byCapability.get(capability) ?? NOBODY;
  }

  #entry(record: AgentRecord): KnownAgent {
    let entry = this.#entries.get(record.name);
    if (!entry) this.#entries.set(record.name, (entry = new KnownAgent(record, this.#attendance)));
    return entry;
  }
}

function byRegistration({ record: a }: { record: AgentRecord }, { record: b }: { record: AgentRecord }): number {
  return a.firstSeen - b.firstSeen || (a.name < b.name ? -1 : 1);
}

function indexed(entries: readonly DirectoryEntry[], keys: (record: AgentRecord) => readonly string[]): Index {
  const index = new Map<string, DirectoryEntry[]>();
  for (const entry of entries) {
    for (const key of new Set(keys(entry.record))) {
      const list = index.get(key);
      if (list) list.push(entry);
      else index.set(key, [entry]);
    }
  }
  return index;
}
