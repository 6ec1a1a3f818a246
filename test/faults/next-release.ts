import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

// What a next minor release may do: a new field in every envelope, record and registry entry; a table, a column, an index;
// and it reads and sometimes writes a wire version of its own, here for keys that end in 7.
const CHANGES: readonly Change[] = [
  { file: "package.json", from: '"version": "0.1.0"', to: '"version": "0.2.0"' },
  {
    file: "src/message/codec-json.ts",
    from: `let text = \`{"v":1,`,
    to: `let text = \`{"v":\${wireVersion(payload)},`,
  },
  {
    file: "src/message/codec-json.ts",
    from: `  return \`\${text}}\`;`,
    to: `  return \`\${text},"next":{"kept":[1,true]}}\`;`,
  },
  {
    file: "src/message/codec-json.ts",
    from: "function fields(",
    to: 'const wireVersion = (payload: unknown): number =>\n  String((payload as { key?: string })?.key).endsWith("7") ? 2 : 1;\n\nfunction fields(',
  },
  { file: "src/message/envelope-check.ts", from: "const WIRE_VERSION = 1;", to: "const WIRE_VERSION = 2;" },
  {
    file: "src/message/envelope-check.ts",
    from: "v: (value) => value === WIRE_VERSION,",
    to: "v: (value) => value === 1 || value === WIRE_VERSION,",
  },
  {
    file: "src/message/envelope-check.ts",
    from: "if (v !== WIRE_VERSION) throw",
    to: "if (v !== 1 && v !== WIRE_VERSION) throw",
  },
  {
    file: "src/agent/settling.ts",
    from: "    recipient: delivery.inbox,\n    end: how.end,",
    to: "    ...{ next: { kept: true } },\n    recipient: delivery.inbox,\n    end: how.end,",
  },
  {
    file: "src/registry/record-check.ts",
    from: "const json = JSON.stringify(record);",
    to: "const json = JSON.stringify({ ...record, next: { kept: true } });",
  },
  {
    file: "src/drivers/sqlite/schema.ts",
    from: "  for (const step of MIGRATIONS.slice(version)) connection.exec(step);",
    to: `  for (const step of MIGRATIONS.slice(version)) connection.exec(step);
  connection.exec("CREATE TABLE IF NOT EXISTS next_table (n); CREATE INDEX IF NOT EXISTS next_index ON kv (revision, key)");
  if (connection.prepare("SELECT 1 FROM pragma_table_info('ready') WHERE name = 'next'").get() === undefined)
    connection.exec("ALTER TABLE ready ADD COLUMN next TEXT NOT NULL DEFAULT 'new'; ALTER TABLE kv ADD COLUMN next");`,
  },
];

/** Makes the next minor release of this package, with the fault programs on it, in a folder. Returns its root. */
export function makeNextRelease(folder: string): string {
  const root = join(folder, "next-release");
  mkdirSync(root);
  for (const part of ["src", "test/faults", "package.json", "tsconfig.json"])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  for (const { file, from, to } of CHANGES) {
    const before = readFileSync(join(root, file), "utf8");
    if (!before.includes(from))
      throw new Error(`${file} has no ${JSON.stringify(from)} any more; mend the next release`);
    writeFileSync(
      join(root, file),
      before.replace(from, () => to),
    );
  }
  return root;
}
