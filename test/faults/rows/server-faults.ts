import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineName } from "../../../scripts/servers/engines.ts";
import { type Row, type Scale, SERVERS } from "../row.ts";
import { SMALL_DISKS, SmallDisk } from "../small-disk.ts";
import { now, pause, type ServerFault, underLoad } from "./under-load.ts";

type Fault = (scale: Scale) => Omit<ServerFault, "engine" | "server">;

/** A row of a fault that strikes a server, or the way to it. */
function row(about: Pick<Row, "id" | "title" | "quick">, fault: Fault): Row {
  return {
    ...about,
    on: SERVERS,
    run: (scale, seed, backend) => underLoad(scale, seed, { engine: backend as EngineName, ...fault(scale) }),
  };
}

/** The full lengths of the fault matrix are for the full scale. */
const isFull = ({ strikes }: Scale): boolean => strikes > 2;

/** F3: the server is killed and started again. */
export const serverKilled = row({ id: "F3", title: "server killed and started again", quick: true }, (scale) => ({
  strikes: scale.strikes,
  length: 1_000,
  resumesWithin: 5_000,
  serverDies: true,
  async strike({ server, random }) {
    await server.kill();
    await pause(200 + random() * 600);
    await server.start();
    return now();
  },
}));

/** F6: the server stands still for a while. */
export const serverStopped = row({ id: "F6", title: "server stopped, then continued", quick: true }, (scale) => {
  const length = isFull(scale) ? 30_000 : 3_000;
  return {
    strikes: Math.min(scale.strikes, 3),
    length,
    resumesWithin: 10_000,
    async strike({ server }) {
      server.freeze();
      await pause(length);
      server.thaw();
      return now();
    },
  };
});

/** F8: every connection is reset again and again. */
export const connectionsReset = row({ id: "F8", title: "connections reset every 200 ms", quick: true }, (scale) => {
  const length = isFull(scale) ? 60_000 : 4_000;
  return {
    strikes: 1,
    length,
    resumesWithin: 10_000,
    async strike({ proxy }) {
      for (let cuts = 0; cuts < length / 200; cuts++) {
        proxy.cut();
        await pause(200);
      }
      return now();
    },
  };
});

/** F9: the way to the server is cut, both ways and each of them alone. */
export const partition = row({ id: "F9", title: "no way to the server for a while", quick: true }, (scale) => {
  const faults = [{ hold: "both" }, { drop: "to-server" }, { drop: "to-client" }] as const;
  const lengths = isFull(scale) ? [5_000, 15_000, 60_000] : [2_000];
  return {
    strikes: faults.length * lengths.length,
    length: Math.max(...lengths),
    resumesWithin: 10_000,
    async strike({ proxy }, number) {
      proxy.set(faults[number % faults.length] ?? {});
      await pause(lengths[Math.floor(number / faults.length)] ?? 0);
      proxy.heal();
      return now();
    },
  };
});

/** F10: the other end of every connection is gone, and nobody says so. */
export const halfOpen = row({ id: "F10", title: "connections whose other end is gone", quick: true }, () => ({
  strikes: 1,
  length: 20_000,
  // Twice the heartbeat, and the time to connect.
  resumesWithin: 22_000,
  async strike({ proxy }) {
    for (const connection of proxy.connections) connection.set({ hold: "both" });
    return now();
  },
}));

/** F11: the server's disk is full for a while. A server that ends over it is started again. */
export const serverDiskFull: Row = {
  id: "F11",
  title: "disk of the server full, then freed",
  quick: true,
  on: SERVERS,
  needs: SMALL_DISKS,
  async run(scale, seed, backend) {
    const home = mkdtempSync(join(tmpdir(), "agentwire-faults-disk-"));
    // The server may run as another user.
    chmodSync(home, 0o755);
    const folder = join(home, "disk");
    const disk = new SmallDisk(folder, isFull(scale) ? 2_048 : 512);
    try {
      return await underLoad(scale, seed, {
        engine: backend as EngineName,
        server: { folder },
        strikes: Math.min(scale.strikes, 3),
        length: 2_000,
        resumesWithin: 15_000,
        serverDies: true,
        async strike({ server }) {
          disk.fill();
          await pause(2_000);
          disk.free();
          const freed = now();
          if (server.pid === undefined) await server.start();
          return freed;
        },
      });
    } finally {
      disk.unmount();
      rmSync(home, { recursive: true, force: true });
    }
  },
};
