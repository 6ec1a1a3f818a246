import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, defineAgent } from "agentwire";
import { expect, it, vi } from "vitest";

vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  watch: () => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  },
}));

it("a file that cannot be watched is told of, and its agents have left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentwire-test-"));
  const bus = await connect("memory:", { logger: false });
  try {
    const file = join(folder, "agents.json");
    writeFileSync(file, '{"name": "a"}');
    const factories = { default: defineAgent({ name: "any" }) };
    await expect(bus.load(file, { factories, watch: true })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("cannot be watched (EMFILE)"),
    });
    expect((await bus.agents.get("a"))?.status).toBe("offline");
  } finally {
    await bus.close({ grace: 0 });
    rmSync(folder, { recursive: true, force: true });
  }
});
