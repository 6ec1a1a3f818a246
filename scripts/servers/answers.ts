import { connect } from "node:net";

/** How a server is asked whether it is ready. */
export interface Greeting {
  readonly port: number;
  /** Sent first; nothing where the server begins. */
  readonly hello?: Buffer;
  /** Whether these bytes are the answer of a server that takes work; others mean that it is still starting. */
  isReady(answer: Buffer): boolean;
}

/** Resolves when a server on the loopback address gives the answer of one that is ready, and not before. */
export async function answers(greeting: Greeting, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await ask(greeting))) await new Promise((resolve) => setTimeout(resolve, 20));
}

function ask({ port, hello, isReady }: Greeting): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = Buffer.alloc(0);
    const end = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
    socket.on("connect", () => hello && socket.write(hello));
    socket.on("data", (data) => {
      answer = Buffer.concat([answer, data]);
      if (isReady(answer)) end(true);
    });
  });
}
