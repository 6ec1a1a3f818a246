/** A role as a new project starts with it. */
export interface RolePreset {
  readonly name: string;
  readonly role: string;
  readonly department: string;
  readonly capabilities: readonly string[];
  readonly description: string;
  /** Names of those it asks. */
  readonly leads?: readonly string[];
}

const worker = (name: string, capability: string, description: string): RolePreset => ({
  name,
  role: "worker",
  department: "engineering",
  capabilities: [capability],
  description,
});

/** Teams by name, for `agentwire init --team`; the first of each is at its head. */
export const TEAMS: Readonly<Record<string, readonly [RolePreset, ...RolePreset[]]>> = {
  startup: [
    {
      name: "cmo",
      role: "cmo",
      department: "executive",
      capabilities: ["strategy", "budget"],
      description: "Chief marketing officer: sets the direction and asks for results",
      leads: ["marketing-manager", "product-manager"],
    },
    {
      name: "marketing-manager",
      role: "marketing_manager",
      department: "marketing",
      capabilities: ["campaigns"],
      description: "Plans campaigns and hands out the work",
      leads: ["content", "seo"],
    },
    {
      name: "content",
      role: "content_agent",
      department: "marketing",
      capabilities: ["write-content"],
      description: "Writes texts",
    },
    {
      name: "seo",
      role: "seo_agent",
      department: "marketing",
      capabilities: ["keywords"],
      description: "Finds keywords and checks texts for search engines",
    },
    {
      name: "product-manager",
      role: "product_manager",
      department: "product",
      capabilities: ["roadmap"],
      description: "Keeps the roadmap",
    },
  ],
  engineering: [
    {
      name: "supervisor",
      role: "supervisor",
      department: "engineering",
      capabilities: ["plan", "assign"],
      description: "Splits work into tasks and hands them out",
      leads: ["backend", "frontend", "devops", "testing", "documentation"],
    },
    worker("backend", "backend", "Builds services"),
    worker("frontend", "frontend", "Builds user interfaces"),
    worker("devops", "deploy", "Builds and deploys"),
    worker("testing", "test", "Tests"),
    worker("documentation", "write-docs", "Writes documentation"),
  ],
};
