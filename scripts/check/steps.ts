/** One thing that `npm run check` looks at. */
export interface Step {
  readonly name: string;
  /** What is run: a program of node_modules/.bin, or a TypeScript file, with its arguments. */
  readonly command: readonly string[];
  /** A step that must have succeeded before. */
  readonly after?: string;
  /** Runs when all others have ended, so that nothing disturbs it. */
  readonly alone?: boolean;
}

/** Every check, in the order in which they start. */
export const STEPS: readonly Step[] = [
  { name: "build", command: ["scripts/build.ts"] },
  { name: "lint and format", command: ["biome", "check", "--error-on-warnings", "--reporter=summary"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "rooms", command: ["depcruise", "src", "test", "bench", "examples", "scripts"] },
  { name: "unused code", command: ["knip"] },
  { name: "sizes and names", command: ["scripts/check/sizes.ts"] },
  { name: "lock file", command: ["scripts/check/lock-file.ts"] },
  { name: "written pages", command: ["scripts/docs/write.ts", "--check"] },
  { name: "package", command: ["scripts/check/package.ts"], after: "build" },
  { name: "public names", command: ["scripts/check/api-report.ts"], after: "build" },
  { name: "type budget", command: ["scripts/check/type-budget.ts"] },
  { name: "tests", command: ["vitest", "run", "--reporter=dot"], alone: true },
];
