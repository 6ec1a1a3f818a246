import { createHash } from "node:crypto";
import { defineMessage, jsonSchema } from "../../../src/index.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";

/** The payload of every message in a fault run. */
export interface JobPayload {
  readonly key: string;
  readonly body: string;
}

/** The message type of every fault run. */
export const Job = defineMessage(
  "job",
  jsonSchema<JobPayload>({
    type: "object",
    properties: { key: { type: "string" }, body: { type: "string" } },
    required: ["key", "body"],
  }),
);

const LEAST = 64;

/** The payload of the message with this key: the same in every run of one seed; 64 bytes to `largest`, small ones more often. */
export function jobFor(key: string, seed: number, largest: number): JobPayload {
  const random = seededRandom(createHash("sha256").update(`${seed}/${key}`).digest().readUInt32LE());
  const size = Math.floor(LEAST * (largest / LEAST) ** random());
  const pattern = random().toString(36).slice(2) + key;
  return { key, body: pattern.repeat(Math.ceil(size / pattern.length)).slice(0, size) };
}

/** A hash of a payload as it arrived, to compare with that of the payload as it was sent. */
export function digestOf(payload: JobPayload): string {
  return createHash("sha1").update(payload.key).update("\0").update(payload.body).digest("base64url");
}
