import { describe, expect, it } from "vitest";
import { nameOf, tokenOf } from "../../../src/drivers/nats/names.ts";
import { parseOptions } from "../../../src/drivers/nats/options.ts";

describe("the URL of the nats driver", () => {
  it("names the server, and who asks", () => {
    expect(parseOptions("nats:")).toMatchObject({ host: "127.0.0.1", port: 4222, tls: false, replicas: 1 });
    expect(parseOptions("tls://me:p%40ss@example.org")).toMatchObject({
      host: "example.org",
      tls: true,
      username: "me",
      password: "p@ss",
      server: "tls://example.org:4222",
    });
    expect(parseOptions("tls+nats://s3cret@[::1]:5000?replicas=3")).toMatchObject({
      host: "::1",
      port: 5000,
      token: "s3cret",
      replicas: 3,
      server: "tls+nats://[::1]:5000",
    });
  });

  it.each([
    "nats://host/path",
    "nats://host?replicas=0",
    "nats://host?x=1",
    "nats://host?ca=a.pem",
    "http://host",
    "nats://us%er@host",
  ])("refuses %s, and does not repeat it", (url) => {
    const read = (): unknown => parseOptions(url);
    expect(read).toThrow(expect.objectContaining({ code: "URL_INVALID" }));
  });
});

it("makes tokens of names, and names of tokens", () => {
  for (const name of ["plain-name_1", "", "$reply.1", "a b*>", "ä/=x", "default/default"]) {
    const token = tokenOf(name);
    expect(token).toMatch(/^[A-Za-z0-9_=-]+$/);
    expect(nameOf(token)).toBe(name);
  }
});
