import { expect, it, vi } from "vitest";
import { Issues } from "../../src/config/issues.ts";
import { parseYaml } from "../../src/config/yaml-text.ts";

vi.mock("yaml", () => {
  throw new Error("Cannot find package 'yaml'");
});

it("names the install command where the package yaml is missing", async () => {
  await expect(parseYaml("name: a", new Issues())).rejects.toMatchObject({
    code: "DRIVER_MISSING",
    message: expect.stringContaining("npm install yaml"),
  });
});
