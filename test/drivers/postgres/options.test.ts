import { describe, expect, it } from "vitest";
import { durabilityOf } from "../../../src/drivers/postgres/durability.ts";
import { parseOptions } from "../../../src/drivers/postgres/options.ts";

describe("the URL of a PostgreSQL database", () => {
  it("names server and schema, and keeps the rest for the client library", () => {
    expect(parseOptions("postgres://me:secret@host:6000/shop?schema=bus_1&sslmode=require")).toEqual({
      url: "postgres://me:secret@host:6000/shop?sslmode=require",
      server: "PostgreSQL at host:6000/shop",
      schema: "bus_1",
    });
    expect(parseOptions("postgres://me@host/shop?ca=/a%20b.pem&sslmode=verify-full")).toEqual({
      url: "postgres://me@host/shop",
      server: "PostgreSQL at host:5432/shop",
      schema: "agentwire",
      ca: "/a b.pem",
    });
    expect(parseOptions("postgresql://me@host")).toMatchObject({
      server: "PostgreSQL at host:5432/me",
      schema: "agentwire",
    });
  });

  it.each([
    "postgres://me:secret@host:port/db",
    "postgres://me:secret@host/db?schema=a;b",
    "postgres://me:secret@h/d?schema=A",
    "postgres://me:secret@h/d?ca=a.pem&sslmode=no-verify",
    "postgres://me:secret@h/d?ca=a.pem&sslrootcert=b.pem",
  ])("refuses %s without repeating the password", (url) => {
    const parse = (): unknown => parseOptions(url);
    expect(parse).toThrow(expect.objectContaining({ code: "URL_INVALID" }));
    expect(parse).not.toThrow(/secret/);
  });
});

describe("the durability of a PostgreSQL server", () => {
  const power = { fsync: "on", pages: "on", commit: "on", standbys: "" };

  it.each([
    [power, "power"],
    [{ ...power, commit: "local" }, "power"],
    [{ ...power, standbys: "FIRST 1 (b)" }, "replicated"],
    [{ ...power, standbys: "b", commit: "remote_write" }, "power"],
    [{ ...power, commit: "off" }, "none"],
    [{ ...power, fsync: "off" }, "process"],
    [{ ...power, pages: "off" }, "process"],
    [{ ...power, commit: undefined }, "none"],
  ])("with %o is %s", (settings, expected) => {
    expect(durabilityOf(settings)).toMatchObject({ class: expected });
  });
});
