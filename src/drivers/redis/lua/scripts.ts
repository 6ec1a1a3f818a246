import { createHash } from "node:crypto";
import { CLAIM, UNWAIT } from "./claiming.ts";
import { COPIES } from "./copies.ts";
import { CORE } from "./core.ts";
import { INBOX } from "./inbox.ts";
import { INTAKE } from "./intake.ts";
import { FIND, INSPECT } from "./looking.ts";
import { PUBLISH, PUBLISHING } from "./publishing.ts";
import { EXTEND, SETTLE } from "./settling.ts";
import { TAKING } from "./taking.ts";
import { CANCEL, CONSUME, DECLARE, DELETE, HELD, LEAVE, SWEEP, TENDING } from "./tending.ts";
import { LIST, READ, TRIM, VALUES, WRITE } from "./values.ts";

/** A script, and the name by which the server knows it once it has seen it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
  /** It writes nothing, so that it may be repeated. */
  readonly isRead: boolean;
}

interface Kind {
  /** Takes little and gives back much, so it runs where the server's memory is full. */
  readonly frees?: boolean;
  readonly reads?: boolean;
}

function script(parts: readonly string[], { frees = false, reads = false }: Kind = {}): Script {
  const flags = reads ? " flags=no-writes" : frees ? " flags=allow-oom" : "";
  const text = `#!lua${flags}\n${parts.join("")}`;
  return { text, sha: createHash("sha1").update(text).digest("hex"), isRead: reads };
}

const STATE = [CORE, VALUES];
const COPY = [...STATE, INBOX, COPIES, TAKING];

/** All scripts of the driver. */
export const SCRIPTS = {
  publish: script([...COPY, PUBLISHING, PUBLISH]),
  claim: script([...COPY, PUBLISHING, INTAKE, CLAIM], { frees: true }),
  unwait: script([CORE, UNWAIT], { frees: true }),
  settle: script([...COPY, PUBLISHING, SETTLE], { frees: true }),
  extend: script([CORE, EXTEND], { frees: true }),
  declare: script([...COPY, TENDING, DECLARE]),
  delete: script([...COPY, TENDING, DELETE], { frees: true }),
  cancel: script([...COPY, CANCEL], { frees: true }),
  consume: script([...COPY, CONSUME]),
  leave: script([...COPY, TENDING, LEAVE], { frees: true }),
  sweep: script([...COPY, TENDING, SWEEP], { frees: true }),
  held: script([...COPY, TENDING, HELD], { frees: true }),
  inspect: script([...COPY, INSPECT], { reads: true }),
  find: script([...COPY, FIND], { reads: true }),
  write: script([...STATE, WRITE]),
  read: script([...STATE, READ], { reads: true }),
  trim: script([...STATE, TRIM], { frees: true }),
  list: script([...STATE, LIST], { reads: true }),
} as const;
