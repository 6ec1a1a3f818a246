// Runs every step of steps.ts, two at a time, and ends with a table. Arguments pick steps by the beginning of their names.
import { spawn } from "node:child_process";
import { STEPS, type Step } from "./steps.ts";

/** How much of what a failed step wrote is shown. */
const MOST_LINES = 80;

interface Outcome {
  readonly step: Step;
  readonly state: "ok" | "failed" | "left out";
  readonly seconds: number;
  readonly output: string;
}

function start(step: Step): Promise<Outcome> {
  const [program = "", ...rest] = step.command;
  const args = program.endsWith(".ts")
    ? ["--import", "tsx", program, ...rest]
    : ["--no-warnings", `node_modules/.bin/${program}`, ...rest];
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const pieces: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    child.stderr.on("data", (piece: Buffer) => pieces.push(piece));
    child.on("close", (code) => {
      const seconds = (performance.now() - began) / 1000;
      const output = Buffer.concat(pieces).toString().trim();
      resolve({ step, state: code === 0 ? "ok" : "failed", seconds, output });
    });
  });
}

function tell({ step, state, seconds, output }: Outcome): void {
  console.log(`${state.padEnd(8)}  ${step.name} (${seconds.toFixed(1)} s)`);
  if (state !== "failed") return;
  const lines = output.split("\n");
  if (lines.length > MOST_LINES) console.log(`    ... ${lines.length - MOST_LINES} lines before`);
  for (const line of lines.slice(-MOST_LINES)) console.log(`    ${line}`);
  console.log(`    run it alone: ${step.command.join(" ")}\n`);
}

const wanted = process.argv.slice(2);
const named = (step: Step): boolean => wanted.length === 0 || wanted.some((name) => step.name.startsWith(name));
const waiting = STEPS.filter((step) => named(step) || STEPS.some((other) => named(other) && other.after === step.name));
if (waiting.length === 0) {
  console.error(`No step of that name; there are: ${STEPS.map((step) => step.name).join(", ")}`);
  process.exit(2);
}

const ended: Outcome[] = [];
let running = 0;

function ready(step: Step): boolean {
  if (step.alone && (running > 0 || waiting.some((other) => !other.alone))) return false;
  return step.after === undefined || ended.some((outcome) => outcome.step.name === step.after);
}

async function take(step: Step): Promise<void> {
  const before = ended.find((outcome) => outcome.step.name === step.after);
  const hopeless = before !== undefined && before.state !== "ok";
  const outcome: Outcome = hopeless ? { step, state: "left out", seconds: 0, output: "" } : await start(step);
  ended.push(outcome);
  tell(outcome);
}

await new Promise<void>((resolve, reject) => {
  const fill = (): void => {
    while (running < 2) {
      const step = waiting.find(ready);
      if (!step) break;
      waiting.splice(waiting.indexOf(step), 1);
      running++;
      take(step).then(() => {
        running--;
        fill();
      }, reject);
    }
    if (running === 0) resolve();
  };
  fill();
});

console.log();
for (const { step, state, seconds } of ended) {
  console.log(`${step.name.padEnd(18)} ${state.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s`);
}
const faults = ended.filter((outcome) => outcome.state !== "ok").length;
console.log(faults === 0 ? "\nEverything holds." : `\n${faults} of ${ended.length} do not hold.`);
process.exitCode = faults === 0 ? 0 : 1;
