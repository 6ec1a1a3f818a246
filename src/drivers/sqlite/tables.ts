import { ClaimTable } from "./claim-table.ts";
import type { Connection } from "./connection.ts";
import { DedupeTable } from "./dedupe-table.ts";
import { DelayedTable } from "./delayed-table.ts";
import { InboxTable } from "./inbox-table.ts";
import { LogTable } from "./log-table.ts";
import { PeerTable } from "./peer-table.ts";
import { ReadyTable } from "./ready-table.ts";
import { CounterTable, ValueTable } from "./store-tables.ts";

/** All tables over one connection, their statements prepared. */
export class Tables {
  readonly connection: Connection;
  readonly inboxes: InboxTable;
  readonly ready: ReadyTable;
  readonly delayed: DelayedTable;
  readonly claims: ClaimTable;
  readonly peers: PeerTable;
  readonly dedupe: DedupeTable;
  readonly counters: CounterTable;
  readonly values: ValueTable;
  readonly logs: LogTable;

  constructor(connection: Connection, scope: string) {
    this.connection = connection;
    this.inboxes = new InboxTable(connection, scope);
    this.ready = new ReadyTable(connection);
    this.delayed = new DelayedTable(connection);
    this.claims = new ClaimTable(connection);
    this.peers = new PeerTable(connection);
    this.dedupe = new DedupeTable(connection);
    this.counters = new CounterTable(connection);
    this.values = new ValueTable(connection, this.counters);
    this.logs = new LogTable(connection);
  }
}
