import { AgentwireError } from "../../errors.ts";
import type { ProcessMark } from "../machine.ts";
import type { ClientLibrary, Connection, Row, Statement } from "./connection.ts";
import { statOf } from "./file-checks.ts";
import { beginNewLog, openFile, reopenFile } from "./open-file.ts";
import type { SqliteOptions } from "./options.ts";
import { checkForm } from "./schema.ts";
import { Tables } from "./tables.ts";
import { WriteBack } from "./write-back.ts";

/** How often it is looked at whether the file is still there, in milliseconds. */
const FILE_SEEN = 1000;

/** A connection and the statements that frame every transaction on it. */
interface Opened {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly writeBack: WriteBack;
  readonly begin: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  readonly version: Statement;
  readonly form: Statement;
  /** Which file the path led to. */
  readonly file: { readonly dev: number; readonly ino: number } | undefined;
}

/** What a {@link Database} needs. */
export interface DatabaseOptions {
  readonly url: SqliteOptions;
  readonly scope: string;
  /** @throws DRIVER_MISSING */
  load(): ClientLibrary;
}

/** The file as this process has it open. */
export class Database {
  readonly #options: DatabaseOptions;
  #library: ClientLibrary | undefined;
  #opened: Opened | undefined;
  #synced = true;
  #dataVersion = -1;
  #fileSeen = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** The tables; undefined while it is not open. */
  get tables(): Tables | undefined {
    return this.#opened?.tables;
  }

  /** Opens the file; returns the name of the client library. */
  async open(here: ProcessMark): Promise<string> {
    this.#library = this.#options.load();
    this.#use(await openFile(this.#library, this.#options.url, here));
    return this.#library.name;
  }

  /** Puts a new connection in the place of one that can no longer be trusted; where the log is `unsure`, begins a new log. */
  reopen({ unsure }: { readonly unsure: boolean }): void {
    void this.#opened?.writeBack.close();
    try {
      this.#opened?.connection.close();
    } catch {
      // A connection with a failed transaction may refuse; a new one is made all the same.
    }
    this.#opened = undefined;
    const connection = reopenFile(this.#library as ClientLibrary, this.#options.url);
    try {
      if (unsure) beginNewLog(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#use(connection);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.writeBack.close();
    opened?.connection.close();
  }

  /**
   * Starts a transaction. Without `synced` its commit is not synced by itself: what is synced next syncs it too, and a
   * killed process loses nothing either way.
   */
  begin({ synced }: { readonly synced: boolean }): void {
    this.#checkFile();
    this.#setSync(synced);
    this.#opened?.begin.run();
  }

  commit(): void {
    this.#opened?.commit.run();
    this.#opened?.writeBack.committed();
  }

  rollback(): void {
    // What was seen of others' writes has to be looked at again.
    this.#dataVersion = -1;
    try {
      this.#opened?.rollback.run();
    } catch (error) {
      // SQLite has rolled back by itself where the disk is full.
      if (!(error as Error).message.includes("no transaction is active")) throw error;
    }
  }

  /** Within a transaction: whether another process has written since this was last asked. */
  hasChanged(): boolean {
    const version = valueOf(this.#opened?.version, "data_version");
    if (version === this.#dataVersion) return false;
    checkForm(valueOf(this.#opened?.form, "user_version"), this.#options.url.path);
    this.#dataVersion = version;
    return true;
  }

  /** Nothing else is to be done just now. */
  idle(): void {
    this.#opened?.writeBack.idle();
  }

  #use(connection: Connection): void {
    const stat = statOf(this.#options.url.path);
    this.#opened = {
      connection,
      tables: new Tables(connection, this.#options.scope),
      writeBack: new WriteBack({ library: this.#library as ClientLibrary, path: this.#options.url.path, connection }),
      begin: connection.prepare("BEGIN IMMEDIATE"),
      commit: connection.prepare("COMMIT"),
      rollback: connection.prepare("ROLLBACK"),
      version: connection.prepare("PRAGMA data_version"),
      form: connection.prepare("PRAGMA user_version"),
      file: stat && { dev: stat.dev, ino: stat.ino },
    };
    this.#synced = true;
    this.#dataVersion = -1;
  }

  #setSync(synced: boolean): void {
    if (synced === this.#synced || this.#options.url.synchronous !== "full") return;
    this.#opened?.connection.exec(`PRAGMA synchronous=${synced ? "FULL" : "NORMAL"}`);
    this.#synced = synced;
  }

  // SQLite goes on writing to a deleted file, and all of it would be lost.
  #checkFile(): void {
    const at = performance.now();
    if (at - this.#fileSeen < FILE_SEEN) return;
    this.#fileSeen = at;
    const stat = statOf(this.#options.url.path);
    const file = this.#opened?.file;
    if (stat && stat.ino === file?.ino && stat.dev === file.dev) return;
    this.#fileSeen = 0;
    throw new AgentwireError("STORE_CORRUPT", `${this.#options.url.path} was deleted or replaced while it was in use`, {
      details: { path: this.#options.url.path },
    });
  }
}

function valueOf(statement: Statement | undefined, column: string): number {
  return (statement?.get() as Row | undefined)?.[column] as number;
}
