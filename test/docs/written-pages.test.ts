import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { betweenMarkers } from "../../scripts/docs/between-markers.ts";
import { PAGES } from "../../scripts/docs/pages.ts";

describe("pages written from the code", () => {
  it.each(Object.keys(PAGES))("%s is what `npm run docs` writes", { timeout: 60_000 }, async (path) => {
    const now = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
    expect(await PAGES[path]?.(now)).toBe(now);
  });
});

describe("betweenMarkers", () => {
  const text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";

  it("replaces what stands between the markers and nothing else", () => {
    expect(betweenMarkers(text, "x", "new\n\n")).toBe("a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
  });

  it("is content with its own result", () => {
    const once = betweenMarkers(text, "x", "new");
    expect(betweenMarkers(once, "x", "new")).toBe(once);
  });

  it.each(["y", "X"])("refuses a text without the marker %s", (name) => {
    expect(() => betweenMarkers(text, name, "new")).toThrow(`<!-- ${name} -->`);
  });
});
