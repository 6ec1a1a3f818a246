/** A role as a new project starts with it. */
export interface RolePreset {
  readonly name: string;
  readonly role: string;
  readonly department: string;
  readonly capabilities: readonly string[];
  readonly description: string;
}

const preset = (
  name: string,
  role: string,
  department: string,
  capabilities: readonly string[],
  description: string,
): RolePreset => ({
  name,
  role,
  department,
  capabilities,
  description,
});

/** Teams by name, for `agentwire init --team`. */
export const TEAMS: Readonly<Record<string, readonly RolePreset[]>> = {
  startup: [
    preset(
      "cmo",
      "cmo",
      "executive",
      ["strategy", "budget"],
      "Chief marketing officer: sets the direction and asks for results",
    ),
    preset(
      "marketing-manager",
      "marketing_manager",
      "marketing",
      ["campaigns"],
      "Plans campaigns and hands out the work",
    ),
    preset("content", "content_agent", "marketing", ["write-content"], "Writes texts"),
    preset("seo", "seo_agent", "marketing", ["keywords"], "Finds keywords and checks texts for search engines"),
    preset("product-manager", "product_manager", "product", ["roadmap"], "Keeps the roadmap"),
  ],
  software: [
    preset("supervisor", "supervisor", "engineering", ["plan", "assign"], "Splits work into tasks and hands them out"),
    preset("backend", "worker", "engineering", ["backend"], "Builds services"),
    preset("frontend", "worker", "engineering", ["frontend"], "Builds user interfaces"),
    preset("devops", "worker", "engineering", ["deploy"], "Builds and deploys"),
    preset("testing", "worker", "engineering", ["test"], "Tests"),
    preset("documentation", "worker", "engineering", ["write-docs"], "Writes documentation"),
  ],
};
