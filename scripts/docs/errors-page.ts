import { ERROR_CODES } from "../../src/error-codes.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** docs/errors.md, from the table of codes. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { meaning, hint, retryable }]) =>
      `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${cell(meaning)} | ${cell(hint)} | ${retryable ? "yes" : "no"} |`,
  );
  return `# Errors

Everything that fails throws an \`AgentwireError\`. Its \`message\` says what failed, which thing, and what to do; its \`code\`
is one of those below; \`details\` holds the figures and names as data, and never a payload or a secret.

\`\`\`ts
try {
  await bus.request(Greet, { name: "Ada" }, { timeout: "2s" });
} catch (error) {
  if (AgentwireError.is(error, "TIMEOUT")) console.log(error.details);
  else throw error;
}
\`\`\`

*Again* says whether the same call can succeed later without any change (\`error.retryable\`).

| code | what happened | what to do | again |
|---|---|---|---|
${rows.join("\n")}
`;
}
