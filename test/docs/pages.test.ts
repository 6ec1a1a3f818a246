import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const project = fileURLToPath(new URL("../..", import.meta.url));
// Inside the project, so that the blocks resolve packages as its own code does.
const workshop = join(project, ".agentwire", `docs-test-${process.pid}`);

interface Block {
  readonly name: string;
  readonly file: string;
  readonly code: string;
}

const pages = readdirSync(join(project, "docs"), { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".md"),
);
// Its one block is a fragment that shows the shape of an error; the table is held to the code by a test of its own.
const FRAGMENTS = ["errors.md"];
const blocks: Block[] = pages
  .filter((page) => !FRAGMENTS.includes(page))
  .flatMap((page) => {
    const text = readFileSync(join(project, "docs", page), "utf8");
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""], at) => {
      const name = `${page} block ${at + 1}`;
      return { name, file: join(workshop, `${name.replace(/[^a-z0-9]+/gi, "-")}.ts`), code };
    });
  });

// A block of data with a name is a file beside the programs.
const files = pages.flatMap((page) => {
  const text = readFileSync(join(project, "docs", page), "utf8");
  return [...text.matchAll(/^```(?:yaml|json) (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = "", data = ""]) => ({
    name,
    data,
  }));
});

beforeAll(() => {
  mkdirSync(workshop, { recursive: true });
  for (const { file, code } of blocks) writeFileSync(file, code);
  for (const { name, data } of files) writeFileSync(join(workshop, name), data, { flag: "wx" });
});
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

describe("the code in the pages", () => {
  it("is there", () => {
    expect(blocks.length).toBeGreaterThan(15);
  });

  it("compiles", { timeout: 60_000 }, () => {
    const { config } = ts.readConfigFile(join(project, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, project);
    const program = ts.createProgram(
      blocks.map((block) => block.file),
      options,
    );
    const own = ts.getPreEmitDiagnostics(program).filter((found) => found.file?.fileName.startsWith(workshop));
    expect(
      own.map(
        (found) =>
          `${found.file?.fileName.slice(workshop.length)}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`,
      ),
    ).toEqual([]);
  });

  it.each(blocks)("$name prints what it says", { timeout: 30_000 }, ({ file, code }) => {
    const out = execFileSync(process.execPath, ["--import", "tsx", file], {
      cwd: project,
      encoding: "utf8",
      timeout: 20_000,
    });
    const said = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text]) => text);
    expect(out.trim().split("\n")).toEqual(said);
  });
});

describe("links between the pages", () => {
  it.each(pages)("%s links to pages that are there", (page) => {
    const text = readFileSync(join(project, "docs", page), "utf8");
    const links = [...text.matchAll(/\]\(([^)#:]+\.md)[^)]*\)/g)].map(([, link = ""]) => link);
    for (const link of links) expect(() => readFileSync(join(project, "docs", page, "..", link))).not.toThrow();
  });
});
