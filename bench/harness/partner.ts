import { fork } from "node:child_process";
import type { Task } from "./task.ts";

/** The second process of a workload between two processes. */
export interface Partner {
  stop(): Promise<void>;
}

/** Starts another side process; resolves when it calls {@link partnerReady}. It ends with this process at the latest. */
export function startPartner(task: Task): Promise<Partner> {
  const child = fork(process.argv[1] ?? "", [JSON.stringify(task)], { execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return new Promise((resolve, reject) => {
    child.on("message", (message: { ready?: true; fault?: string }) => {
      if (message.fault !== undefined) reject(new Error(`partner ${task.side} failed: ${message.fault}`));
      if (message.ready) resolve({ stop: () => (child.kill("SIGTERM"), ended) });
    });
    void ended.then(() => reject(new Error(`partner ${task.side} ended by itself`)));
  });
}

/** Tells the process that started this one that it may go ahead; never resolves: a partner lives until it is stopped. */
export function partnerReady(): Promise<never> {
  process.send?.({ ready: true });
  return new Promise(() => {});
}
