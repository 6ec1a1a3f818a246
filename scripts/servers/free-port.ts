import { createServer } from "node:net";

// Below the range that the system takes ports of outgoing connections from: there, a client that keeps trying to
// reach a server that is down would in the end be connected to itself, and the server could not come back.
const FIRST = 20_000;
const LAST = 32_000;

/** A TCP port of the loopback address that nobody listens on now. @throws Error when 100 in a row are taken */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found between ${FIRST} and ${LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
