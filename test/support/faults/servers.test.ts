import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ENGINES, type EngineName } from "../../../scripts/servers/engines.ts";
import { describeOn, describeWithServers } from "../servers.ts";

/** Whether somebody listens on a port of the loopback address. */
async function listens(port: number, host = "127.0.0.1"): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

for (const engine of Object.keys(ENGINES) as EngineName[]) {
  describeOn(engine, `the ${engine} of a test file`, (server) => {
    it("is there when the tests run", async () => {
      const { port, hostname } = new URL(server.url);
      expect(await listens(Number(port), hostname)).toBe(true);
    });
  });

  describeWithServers(engine, `a private ${engine}`, (start) => {
    it("starts, dies, comes back on the same port and data, and leaves nothing when it is stopped", async () => {
      const server = await start({ password: "a b/c" });
      const { port, folder } = server;
      expect(new URL(server.url)).toMatchObject({ port: String(port), password: "a%20b%2Fc" });
      expect(await listens(port)).toBe(true);
      await expect(server.start()).rejects.toThrow("runs already");
      for (let times = 0; times < 2; times++) {
        await server.kill();
        expect(server.pid).toBeUndefined();
        expect(await listens(port)).toBe(false);
        await server.start();
        expect(await listens(port)).toBe(true);
      }
      await server.stop();
      expect(await listens(port)).toBe(false);
      expect(existsSync(folder)).toBe(false);
    });

    it("stands still with all its processes until it is thawed", async () => {
      const server = await start();
      const pid = String(server.pid);
      const states = (): string => execFileSync("ps", ["-o", "stat=", "-p", pid, "--ppid", pid], { encoding: "utf8" });
      server.freeze();
      await expect
        .poll(() =>
          states()
            .trim()
            .split("\n")
            .every((state) => state.startsWith("T")),
        )
        .toBe(true);
      server.thaw();
      await expect.poll(states).not.toContain("T");
      await server.stop();
      expect(() => server.freeze()).toThrow("is down");
    });

    it("says why it does not start", async () => {
      await expect(start({ settings: { nonsense: "yes" } })).rejects.toThrow(/ended by itself[^]*nonsense/);
    });

    it("ends with the process that started it", async () => {
      const program = fileURLToPath(new URL("starter-main.ts", import.meta.url));
      const starter = spawn(process.execPath, ["--import", "tsx", program, engine], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(starter.stdout, "data")) as [Buffer];
      const { port, folder } = JSON.parse(line.toString()) as { port: number; folder: string };
      expect(await listens(port)).toBe(true);
      starter.kill("SIGKILL");
      await expect.poll(() => listens(port), { timeout: 20_000 }).toBe(false);
      // Nobody is left who could have removed it.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    });
  });
}
