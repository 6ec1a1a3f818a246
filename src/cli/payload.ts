import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { AgentwireError } from "../errors.ts";

/** No message can be larger, in bytes. */
const MOST = 10 * 1024 * 1024;

/** Where a payload comes from. */
export interface PayloadSource {
  /** JSON text, or `-` for standard input. */
  readonly text: string | undefined;
  /** A file with JSON. */
  readonly file: string | undefined;
}

/** Reads a command's payload; without any source it is `{}`. @throws PAYLOAD_INVALID, PAYLOAD_TOO_LARGE, ARGUMENT_INVALID */
export async function readPayload({ text, file }: PayloadSource): Promise<unknown> {
  if (file !== undefined && text !== undefined)
    throw new AgentwireError("ARGUMENT_INVALID", "Give the payload as text or with --file, not both");
  if (file !== undefined) return parse(await readFile(file), `The file ${file}`);
  if (text === "-") return parse(await readInput(), "Standard input");
  return text === undefined ? {} : parse(text, "The payload");
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AgentwireError("PAYLOAD_INVALID", `${what} is not valid JSON`, {
      hint: `Quote it for your shell, such as '{"name":"Ada"}'.`,
    });
  }
}

async function readFile(path: string): Promise<string> {
  const fail = (why: string): never => {
    throw new AgentwireError("ARGUMENT_INVALID", `The file ${path} cannot be read: ${why}`, {
      hint: "Name a file with JSON of at most 10 MiB.",
    });
  };
  // Without O_NONBLOCK, opening a FIFO would wait for somebody who writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) =>
    fail(error.code ?? "unknown fault"),
  );
  try {
    const found = await file.stat();
    if (!found.isFile()) return fail(found.isDirectory() ? "it is a folder" : "it is not a plain file");
    if (found.size > MOST) throw tooLarge(`The file ${path}`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST) throw tooLarge("Standard input");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function tooLarge(what: string): AgentwireError {
  return new AgentwireError("PAYLOAD_TOO_LARGE", `${what} is larger than 10 MiB`);
}
