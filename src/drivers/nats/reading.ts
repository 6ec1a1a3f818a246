import type { Msg } from "@nats-io/transport-node";
import type { Connection } from "./connection.ts";
import { NUMBERS, Refusal } from "./faults.ts";
import { SEQUENCE } from "./names.ts";

/** A message as it is stored. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** When the server stored it, in wall milliseconds; 0 where that is not told. */
  readonly at: number;
  readonly data: Uint8Array;
  header(name: string): string | undefined;
}

/** Which message is asked for. */
export type Which =
  | { readonly last_by_subj: string }
  | { readonly seq: number }
  | { readonly seq: number; readonly next_by_subj: string };

/** One message of a stream; undefined where there is none. `direct`: from whichever server is next, which needs a stream of one server. */
export async function read(
  connection: Connection,
  stream: string,
  { which, direct }: { readonly which: Which; readonly direct: boolean },
): Promise<StoredMessage | undefined> {
  if (direct) {
    const answer = await connection.ask(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(which));
    const { headers } = answer;
    // A stored message may have a status of its own.
    if (headers && headers.code >= 300 && !headers.has(SEQUENCE)) {
      if (headers.code === 404) return undefined;
      throw new Refusal(headers.code, headers.description);
    }
    const header = (name: string): string | undefined => headers?.get(name) || undefined;
    const at = Date.parse(header("Nats-Time-Stamp") ?? "");
    return {
      subject: header("Nats-Subject") ?? "",
      sequence: Number(header(SEQUENCE)),
      at: Number.isNaN(at) ? 0 : at,
      data: answer.data,
      header,
    };
  }
  try {
    const { message } = await connection.api<{ message: Stored }>(`STREAM.MSG.GET.${stream}`, which);
    const headers = headersIn(Buffer.from(message.hdrs ?? "", "base64").toString());
    return {
      subject: message.subject,
      sequence: message.seq,
      at: Date.parse(message.time),
      data: Buffer.from(message.data ?? "", "base64"),
      header: (name) => headers.get(name),
    };
  } catch (error) {
    if (error instanceof Refusal && error.number === NUMBERS.noMessage) return undefined;
    throw error;
  }
}

interface Stored {
  readonly subject: string;
  readonly seq: number;
  readonly time: string;
  readonly hdrs?: string;
  readonly data?: string;
}

function headersIn(text: string): Map<string, string> {
  return new Map(
    text
      .split("\r\n")
      .slice(1)
      .flatMap((line) => {
        const end = line.indexOf(":");
        return end < 0 ? [] : [[line.slice(0, end), line.slice(end + 1).trim()] as const];
      }),
  );
}

/** Whether the server says that a request is over; a delivery, whatever another program made of it, can be answered. */
export function isStatus({ reply, headers }: Msg): boolean {
  return (reply ?? "") === "" && headers !== undefined && headers.code >= 400;
}

/** Where a delivered message stands, from its reply subject. */
export interface Place {
  /** How often it was delivered. */
  readonly delivered: number;
  /** In the stream. */
  readonly sequence: number;
  /** In the consumer. */
  readonly nth: number;
  /** So many more wait. */
  readonly pending: number;
}

/** Reads `$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.NTH.TIME.PENDING`, or the longer form with domain and account. */
export function placeOf(reply: string): Place {
  const tokens = reply.split(".");
  const from = tokens.length > 9 ? 6 : 4;
  return {
    delivered: Number(tokens[from]),
    sequence: Number(tokens[from + 1]),
    nth: Number(tokens[from + 2]),
    pending: Number(tokens[from + 4]),
  };
}

/** What is read of a stream in one go. */
export interface Stretch {
  readonly filter: string;
  /** From this sequence on; default 1. */
  readonly from?: number;
  readonly limit?: number;
}

/** After so long without a message it is asked whether there are any more. */
const SILENT = 200;
const MOST_SILENT = 10_000;

interface ConsumerInfo {
  readonly name: string;
  readonly num_pending: number;
  readonly delivered: { readonly consumer_seq: number };
}

/**
 * Messages of a stream in their order, up to what it has when it is asked. Not for work queues. Where each subject keeps its
 * last message only, one that is replaced meanwhile may come twice, and none is missing.
 */
export async function readAll(
  connection: Connection,
  stream: string,
  { filter, from = 1, limit = Number.POSITIVE_INFINITY }: Stretch,
): Promise<StoredMessage[]> {
  const deliver = connection.ownSubject();
  const found: StoredMessage[] = [];
  let total = Number.POSITIVE_INFINITY;
  // What is replaced meanwhile comes twice, and must not be taken for another that is still to come.
  const subjects = new Set<string>();
  const isWhole = (): boolean => (Number.isFinite(limit) ? found.length : subjects.size) >= total;
  let finish = (): void => {};
  let fail = (_cause: unknown): void => {};
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  finished.catch(() => {});
  const subscription = connection.subscribe(deliver, (message) => {
    if (isWhole()) return;
    found.push(storedIn(message));
    subjects.add(message.subject);
    if (isWhole()) finish();
  });
  let silence: NodeJS.Timeout | undefined;
  let isOver = false;
  // Of what was counted some may be removed before it is delivered.
  const watchSilence = (name: string, since: { readonly count: number; readonly silent: number }): void => {
    silence = setTimeout(async () => {
      const { count } = since;
      if (found.length > count) return watchSilence(name, { count: found.length, silent: 0 });
      const silent = since.silent + SILENT;
      if (silent > MOST_SILENT) return fail(new Error("the server stopped in the middle of its answer"));
      const about = await connection.api<ConsumerInfo>(`CONSUMER.INFO.${stream}.${name}`).catch(fail);
      if (!about || isOver) return;
      if (about.num_pending === 0 && about.delivered.consumer_seq <= found.length) finish();
      else watchSilence(name, { count, silent });
    }, SILENT);
    silence.unref();
  };
  try {
    const config = {
      deliver_subject: deliver,
      deliver_policy: "by_start_sequence",
      opt_start_seq: Math.max(1, from),
      // It stops by itself after so many.
      ...(Number.isFinite(limit) ? { ack_policy: "explicit", max_ack_pending: limit } : { ack_policy: "none" }),
      filter_subject: filter,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: 5_000_000_000,
    };
    const question = { stream_name: stream, config };
    const { name, num_pending, delivered } = await connection.api<ConsumerInfo>(`CONSUMER.CREATE.${stream}`, question);
    total = Math.min(limit, num_pending + delivered.consumer_seq);
    if (!isWhole()) {
      watchSilence(name, { count: found.length, silent: 0 });
      await connection.during(finished);
    }
    subscription.unsubscribe();
    connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${name}`, "");
    return found.slice(0, limit);
  } finally {
    isOver = true;
    clearTimeout(silence);
    subscription.unsubscribe();
  }
}

/** A message as a consumer delivers it. */
export function storedIn(message: Msg): StoredMessage {
  const { sequence } = placeOf(message.reply ?? "");
  return {
    subject: message.subject,
    sequence,
    at: 0,
    data: message.data,
    header: (name) => message.headers?.get(name) || undefined,
  };
}
