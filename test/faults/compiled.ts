import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2022,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
};

/** Releases of the package as JavaScript, so that a program starts in half the time; made once each, kept until `close`. */
export class CompiledReleases {
  readonly #folders = new Map<string, string>();

  /** Where the release with this root stands, file by file. */
  folderOf(root: string): string {
    const known = this.#folders.get(root);
    if (known !== undefined) return known;
    const folder = mkdtempSync(join(tmpdir(), "agentwire-compiled-"));
    for (const part of ["src", "test/faults"]) {
      for (const name of readdirSync(join(root, part), { recursive: true, encoding: "utf8" })) {
        if (!name.endsWith(".ts")) continue;
        const source = readFileSync(join(root, part, name), "utf8");
        const file = join(folder, part, name.replace(/\.ts$/, ".js"));
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, ts.transpileModule(source, { compilerOptions: OPTIONS }).outputText);
      }
    }
    writeFileSync(join(folder, "package.json"), readFileSync(join(root, "package.json")));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    this.#folders.set(root, folder);
    return folder;
  }

  close(): void {
    for (const folder of this.#folders.values()) rmSync(folder, { recursive: true, force: true });
    this.#folders.clear();
  }
}
