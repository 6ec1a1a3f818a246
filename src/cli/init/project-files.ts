import type { RolePreset } from "./role-presets.ts";
import { teamFiles } from "./team-files.ts";

/** A file of a new project, by its path in it. */
export type ProjectFiles = Readonly<Record<string, string>>;

/** What a new project starts from. */
export interface ProjectOptions {
  readonly name: string;
  /** Version of agentwire that is installed. */
  readonly version: string;
  /** Without one, the project has one agent. */
  readonly team: readonly [RolePreset, ...RolePreset[]] | undefined;
}

/** The files of a new project: plain JavaScript that runs as it is. */
export function projectFiles({ name, version, team }: ProjectOptions): ProjectFiles {
  return {
    "package.json": `${JSON.stringify(packageJson(name, version, team !== undefined), null, 2)}\n`,
    ".gitignore": "node_modules/\n.agentwire/\n",
    "messages.js": MESSAGES,
    ...(team ? teamFiles(team) : { "agents/greeter.js": GREETER, "main.js": MAIN }),
    "README.md": readme(name, team ? "agents in `agents.yaml`, what they do in `factories.js`" : "agents in `agents/`"),
  };
}

function packageJson(name: string, version: string, hasTeam: boolean): object {
  // No major of better-sqlite3 runs on every Node.
  const [node, betterSqlite] =
    Number.parseInt(process.versions.node, 10) >= 22 ? [">=22.0.0", "^13.0.0"] : [">=20.19.0 <24", "^12.11.1"];
  return {
    name,
    private: true,
    type: "module",
    engines: { node },
    scripts: { start: "node main.js" },
    dependencies: { agentwire: `^${version}`, "better-sqlite3": betterSqlite, ...(hasTeam ? { yaml: "^2.9.1" } : {}) },
  };
}

const MESSAGES = `import { defineMessage } from "agentwire";

/** A question to an agent. The schema is JSON Schema; zod, valibot and arktype work as well. */
export const Ask = defineMessage(
  "ask",
  { type: "object", properties: { question: { type: "string", minLength: 1 } }, required: ["question"] },
  { reply: { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] } },
);
`;

const GREETER = `import { defineAgent } from "agentwire";
import { Ask } from "../messages.js";

/** Answers whoever asks. */
export const greeter = defineAgent({
  name: "greeter",
  role: "greeter",
  department: "front",
  capabilities: ["greet"],
  description: "Answers whoever asks",
}).on(Ask, async ({ payload }) => ({ answer: \`greeter has heard: \${payload.question}\` }));
`;

const MAIN = `import { connect } from "agentwire";
import { greeter } from "./agents/greeter.js";
import { Ask } from "./messages.js";

// AGENTWIRE_URL names the engine; without it, a file under .agentwire/ in this folder.
const bus = await connect();
try {
  await bus.join(greeter);
  const { answer } = await bus.request(Ask, { question: "Are you there?" }, { to: greeter });
  console.log(answer);
  if (!process.argv.includes("--once")) {
    console.log("The agent is running; stop it with Ctrl+C. Try: npx agentwire agents");
    await bus.untilShutdown();
  }
} finally {
  await bus.close();
}
`;

function readme(name: string, where: string): string {
  return `# ${name}

    npm install
    npm start

In another terminal:

    npx agentwire agents
    npx agentwire request ${"`"}AGENT${"`"} ask '{"question":"How are you?"}'
    npx agentwire tail

Message types are in \`messages.js\`, ${where}.
`.replace("`AGENT`", "AGENT");
}
