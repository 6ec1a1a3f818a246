import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresOwner } from "../../scripts/servers/postgres.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const DAYS = ["-days", "2"];

/** An authority of the tests alone, a server's certificate that it has signed for `127.0.0.1`, and an authority that has signed nothing. */
export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), "agentwire-certificates-"));
  readonly authority = this.#file("authority.pem");
  readonly other = this.#file("other.pem");
  readonly certificate = this.#file("server.pem");
  readonly key = this.#file("server.key");

  constructor() {
    // The server may run as another user.
    chmodSync(this.#folder, 0o755);
    for (const name of ["authority", "other"]) {
      const out = ["-keyout", this.#file(`${name}.key`), "-out", this.#file(`${name}.pem`)];
      openssl(["req", "-x509", ...KEY, ...DAYS, "-subj", `/CN=${name}`, ...out]);
    }
    const request = this.#file("server.csr");
    openssl(["req", ...KEY, "-subj", "/CN=server", "-keyout", this.key, "-out", request]);
    writeFileSync(this.#file("names"), "subjectAltName=IP:127.0.0.1\n");
    const signer = ["-CA", this.authority, "-CAkey", this.#file("authority.key"), "-CAcreateserial"];
    const names = ["-extfile", this.#file("names")];
    openssl(["x509", "-req", "-in", request, ...signer, ...DAYS, ...names, "-out", this.certificate]);
  }

  /** The server's key, for PostgreSQL, which wants to own it. */
  ownKey(): string {
    const file = this.#file("postgres.key");
    copyFileSync(this.key, file);
    chmodSync(file, 0o600);
    const { uid, gid } = postgresOwner();
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
    return file;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

function openssl(command: readonly string[]): void {
  execFileSync("openssl", command, { stdio: "pipe" });
}
