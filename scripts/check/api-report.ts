// Writes what each public entry of the package exports to etc/api/, or fails where that differs from the file.
// `--write` accepts the difference. Reads dist/, so build first.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const root = process.cwd();
const write = process.argv.includes("--write");
const folder = join(root, "etc/api");
mkdirSync(folder, { recursive: true });
const temporary = mkdtempSync(join(root, "node_modules/.api-report-"));
const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, { types?: string }> };

let failed = false;
for (const [path, { types }] of Object.entries(exports)) {
  if (types === undefined) continue;
  const name = path === "." ? "agentwire" : path.slice(2);
  if (!existsSync(types)) {
    failed = true;
    console.error(`${types} is missing; npm run build`);
    continue;
  }
  const reportFileName = `${name}.api.md`;
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: resolve(root, types),
      compiler: { tsconfigFilePath: join(root, "tsconfig.build.json"), skipLibCheck: true },
      newlineKind: "lf",
      apiReport: { enabled: true, reportFileName, reportFolder: folder, reportTempFolder: temporary },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None },
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
  });
  const known = existsSync(join(folder, reportFileName));
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: write,
    messageCallback: (message) => {
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  if (errorCount > 0) failed = true;
  if (!write && (apiReportChanged || !known)) {
    failed = true;
    console.error(
      `The public names of ${name} differ from etc/api/${reportFileName}; npm run api, and look at the difference`,
    );
  }
}
rmSync(temporary, { recursive: true, force: true });
if (failed) process.exitCode = 1;
