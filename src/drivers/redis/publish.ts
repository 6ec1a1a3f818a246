import type { Publication, PublishedCopy, PublishResult } from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import type { Codec } from "../../message/codec.ts";
import { rareFactsOf, storedCopy } from "./copy.ts";
import type { Argument } from "./session.ts";

/** A publication with the arguments by which the scripts know it. */
export interface EncodedPublication {
  readonly publication: Publication;
  readonly args: readonly Argument[];
}

/** Puts a publication into the form of the scripts. */
export function encodePublication(publication: Publication, codec: Codec): EncodedPublication {
  const { message, to, fanOut, limit, routedAt } = publication;
  const body = codec.encode(message);
  const rare = rareFactsOf(message, limit?.name);
  const names = "pick" in to ? to.pick.map(({ inbox }) => inbox) : to;
  const args = [
    message.id,
    storedCopy(message, body, rare),
    fanOut ? "1" : "",
    routedAt === undefined ? "" : String(routedAt),
    optionsOf(publication, { ...rare, ...(typeof body === "string" ? {} : { json: JSON.stringify(message) }) }),
    String(names.length),
    ...names,
  ];
  return { publication, args };
}

function optionsOf(publication: Publication, more: object): string {
  const { message, to, limit, dueAt, dedupe, supersedes, refused, attempt } = publication;
  const pick = "pick" in to ? to.pick.map(({ concurrency }) => concurrency) : undefined;
  const isUsual = pick === undefined && dueAt === undefined && !limit && !dedupe && !supersedes && !refused && !attempt;
  if (isUsual && Object.keys(more).length === 0) return "";
  return JSON.stringify({
    ...more,
    from: message.from,
    pick,
    limit,
    due: dueAt,
    dedupe,
    supersedes,
    refused,
    a: attempt,
  });
}

interface Answer {
  readonly s: "accepted" | "duplicate" | "conflict" | "stale" | "unknown" | "full";
  readonly id?: string;
  readonly copies?: readonly (readonly [inbox: string, state: PublishedCopy["state"]])[];
  readonly inbox?: string;
  readonly capacity?: number;
  readonly limit?: string;
}

/** Reads what a script says became of a publication. */
export function resultOf({ publication }: EncodedPublication, text: string): PublishResult {
  const { message, to, dedupe } = publication;
  if (text === "") {
    const copies = (to as readonly string[]).map((inbox): PublishedCopy => ({ inbox, state: "accepted" }));
    return { status: "accepted", id: message.id, copies, duplicate: false };
  }
  const { s, id = message.id, copies: list, inbox = "", capacity = 0, limit } = JSON.parse(text) as Answer;
  // An empty list comes as an empty object.
  const copies = Array.isArray(list) ? list.map(([name, state]): PublishedCopy => ({ inbox: name, state })) : [];
  if (s === "accepted" || s === "duplicate") return { status: "accepted", id, copies, duplicate: s === "duplicate" };
  if (s === "stale") return { status: "stale" };
  if (s === "unknown") return failed(unknownInbox(inbox));
  if (s === "full") {
    const of = limit === undefined ? "" : ` of ${limit}`;
    const what = `The inbox of "${inbox}" holds ${capacity} messages${of} and takes no more`;
    return failed(new AgentwireError("INBOX_FULL", what, { details: { inbox, capacity } }));
  }
  const key = dedupe?.key;
  return failed(
    new AgentwireError("ID_CONFLICT", `${message.from} has used the idempotency key "${key}" for another message`, {
      details: { key, sender: message.from, firstId: id },
    }),
  );
}

/** An inbox that does not exist. */
export function unknownInbox(name: string): AgentwireError {
  return new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${name}"`, {
    details: { agent: name, suggestions: [] },
  });
}

function failed(error: AgentwireError): PublishResult {
  return { status: "failed", error };
}
