import type { RolePreset } from "./role-presets.ts";

/** The agents of a team as YAML, and the code that makes and starts them. */
export function teamFiles(team: readonly [RolePreset, ...RolePreset[]]): Readonly<Record<string, string>> {
  return { "agents.yaml": agentsFile(team), "factories.js": FACTORIES, "main.js": mainFile(team[0].name) };
}

function agentsFile(team: readonly RolePreset[]): string {
  return `# Who there is. Write to this file while the program runs: agents join, change and leave.
agents:
${team.map(agentLines).join("\n")}`;
}

function agentLines({ name, role, department, capabilities, description, leads }: RolePreset): string {
  return `  - name: ${name}
${leads ? `    factory: lead\n    options: { team: [${leads.join(", ")}] }\n` : ""}    description: ${JSON.stringify(description)}
    role: ${role}
    department: ${department}
    capabilities: [${capabilities.join(", ")}]
`;
}

const FACTORIES = `import { defineAgent, defineFactory } from "agentwire";
import { Ask } from "./messages.js";

const heard = (name, question) => \`\${name} has heard: \${question}\`;

/** Makes an agent that answers by itself. */
const member = ({ name }) =>
  defineAgent({ name }).on(Ask, ({ payload }) => ({ answer: heard(name, payload.question) }));

/** Makes an agent that asks each of its team, and answers with what they say. */
const lead = defineFactory(
  { type: "object", properties: { team: { type: "array", items: { type: "string" }, minItems: 1 } }, required: ["team"] },
  ({ name, options }) =>
    defineAgent({ name, sends: [Ask] }).on(Ask, async ({ payload }, ctx) => {
      const replies = await Promise.all(options.team.map((to) => ctx.request(Ask, payload, { to })));
      return { answer: [heard(name, payload.question), ...replies.map((reply) => reply.answer)].join("\\n") };
    }),
);

/** By the names that agents.yaml uses; \`default\` makes the agents that name none. */
export const factories = { default: member, lead };
`;

function mainFile(head: string): string {
  return `import { AgentwireError, connect } from "agentwire";
import { factories } from "./factories.js";
import { Ask } from "./messages.js";

// AGENTWIRE_URL names the engine; without it, a file under .agentwire/ in this folder.
const bus = await connect();
try {
  await bus.load(new URL("agents.yaml", import.meta.url), { factories, watch: true });
  const { answer } = await bus.request(Ask, { question: "Are you there?" }, { to: ${JSON.stringify(head)} });
  console.log(answer);
  if (!process.argv.includes("--once")) {
    console.log("The agents are running; stop them with Ctrl+C. Try: npx agentwire agents");
    await bus.untilShutdown();
  }
} catch (error) {
  if (!AgentwireError.is(error, "CONFIG_INVALID")) throw error;
  console.error(error.message);
  process.exitCode = 78; // a fault in agents.yaml: starting again does not help
} finally {
  await bus.close();
}
`;
}
