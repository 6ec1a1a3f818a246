import type { RolePreset } from "./role-presets.ts";

/** A file of a new project, by its path in it. */
export type ProjectFiles = Readonly<Record<string, string>>;

/** What a new project starts from. */
export interface ProjectOptions {
  readonly name: string;
  /** Version of agentwire that is installed. */
  readonly version: string;
  readonly team: readonly RolePreset[];
}

/** The files of a new project: plain JavaScript that runs as it is. */
export function projectFiles({ name, version, team }: ProjectOptions): ProjectFiles {
  return {
    "package.json": `${JSON.stringify(packageJson(name, version), null, 2)}\n`,
    ".gitignore": "node_modules/\n.agentwire/\n",
    "messages.js": MESSAGES,
    ...Object.fromEntries(team.map((role) => [`agents/${role.name}.js`, agentFile(role)])),
    "main.js": mainFile(team),
    "README.md": readme(name),
  };
}

/** The one agent of a project without a team. */
export const GREETER: RolePreset = {
  name: "greeter",
  role: "greeter",
  department: "front",
  capabilities: ["greet"],
  description: "Answers whoever asks",
};

function packageJson(name: string, version: string): object {
  return {
    name,
    private: true,
    type: "module",
    engines: { node: ">=20.19.0" },
    scripts: { start: "node main.js" },
    dependencies: { agentwire: `^${version}`, "better-sqlite3": "^12.11.1" },
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

function agentFile({ name, role, department, capabilities, description }: RolePreset): string {
  return `import { defineAgent } from "agentwire";
import { Ask } from "../messages.js";

/** ${description}. */
export const agent = defineAgent({
  name: ${JSON.stringify(name)},
  role: ${JSON.stringify(role)},
  department: ${JSON.stringify(department)},
  capabilities: ${JSON.stringify(capabilities)},
  description: ${JSON.stringify(description)},
}).on(Ask, async ({ payload }) => ({ answer: \`${name} has heard: \${payload.question}\` }));
`;
}

function mainFile(team: readonly RolePreset[]): string {
  const imports = team
    .map((role, at) => `import { agent as agent${at + 1} } from "./agents/${role.name}.js";`)
    .join("\n");
  const list = team.map((_, at) => `agent${at + 1}`).join(", ");
  const first = team[0]?.role ?? "greeter";
  return `import { connect } from "agentwire";
import { Ask } from "./messages.js";
${imports}

// AGENTWIRE_URL names the engine; without it, a file under .agentwire/ in this folder.
const bus = await connect();
try {
  for (const agent of [${list}]) await bus.join(agent);
  const { answer } = await bus.request(Ask, { question: "Are you there?" }, { to: { role: ${JSON.stringify(first)} } });
  console.log(answer);
  if (process.argv.includes("--once")) process.exitCode = 0;
  else {
    console.log("The agents are running; stop them with Ctrl+C. Try: npx agentwire agents");
    await bus.untilShutdown();
  }
} finally {
  await bus.close();
}
`;
}

function readme(name: string): string {
  return `# ${name}

    npm install
    npm start

In another terminal:

    npx agentwire agents
    npx agentwire request ${"`"}AGENT${"`"} ask '{"question":"How are you?"}'
    npx agentwire tail

Message types are in \`messages.js\`, agents in \`agents/\`.
`.replace("`AGENT`", "AGENT");
}
