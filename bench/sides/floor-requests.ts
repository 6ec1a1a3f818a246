import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { pause, timed } from "../harness/measure-round-trips.ts";
import { envelope, filler } from "../harness/messages.ts";
import { partnerReady, startPartner } from "../harness/partner.ts";
import { quantile } from "../harness/statistics.ts";
import type { Side, Task } from "../harness/task.ts";
import { RawTable } from "./raw-table.ts";

const path = (task: Task): string => join(task.folder, "echo.sock");

/**
 * The least that a durable request and its reply between two processes must cost: two synced commits of one row
 * and one round trip over a unix socket, each measured alone on the same idle machine. `p50` and `p99` are their
 * sums, beside `commit` and `socket`, the medians of the parts.
 */
export const floorRequests: Side = async (task) => {
  const partner = await startPartner({ ...task, side: "socket-echo" });
  const table = new RawTable(task.folder, filler(task.size));
  const socket = connect(path(task));
  await new Promise((resolve) => socket.once("connect", resolve));
  const question = JSON.stringify(envelope(0, filler(task.size)));
  const warm = Math.floor(task.count / 5);
  const commits: number[] = [];
  const trips: number[] = [];
  for (let sequence = 0; sequence < task.count; sequence++) {
    await pause();
    const commit = await timed(() => table.commit(() => table.insert(sequence)));
    await pause();
    const trip = await timed(() => roundTrip(socket, question));
    if (sequence < warm) continue;
    commits.push(commit);
    trips.push(trip);
  }
  socket.destroy();
  table.close();
  await partner.stop();
  const sum = (part: number): number => 2 * quantile(commits, part) + quantile(trips, part);
  return { p50: sum(0.5), p99: sum(0.99), commit: quantile(commits, 0.5), socket: quantile(trips, 0.5) };
};

function roundTrip(socket: Socket, question: string): Promise<void> {
  return new Promise((resolve) => {
    let awaited = Buffer.byteLength(question);
    const take = (chunk: Buffer): void => {
      awaited -= chunk.length;
      if (awaited > 0) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
    socket.write(question);
  });
}

/** The other process: gives back whatever comes. */
export const socketEcho: Side = async (task) => {
  rmSync(path(task), { force: true });
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(path(task), resolve));
  return partnerReady();
};
