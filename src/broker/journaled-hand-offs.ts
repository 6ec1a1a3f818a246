import type { Envelope } from "../message/envelope.ts";
import type { ReceiptRecord } from "../message/receipt-record.ts";

/** One hand-off that is over. Without `end` the copy waits again. */
export type HandOff = Omit<ReceiptRecord, "reason" | "reply" | "end"> & Partial<Pick<ReceiptRecord, "end">>;

/** A hand-off, and what is said of its message where that is kept elsewhere. */
export interface HandOffOfMessage {
  readonly message: Envelope;
  readonly handOff: HandOff;
}

/** What many hand-offs have in common. */
interface Kind {
  /** Name of the message type. */
  readonly message: string;
  readonly from: string;
  readonly channel?: string;
  readonly recipient: string;
  readonly instance?: string;
}

/**
 * Place of its kind, id, attempt, milliseconds from when it was handed out and from when it was over to the entry's
 * time, 1 if it was acknowledged, its conversation if that is not its id, its cause. Nothing follows the last that is known.
 */
type Packed = readonly [
  kind: number,
  id: string,
  attempt: number,
  offered: number | null,
  over: number,
  acknowledged: 0 | 1,
  conversation?: string | null,
  cause?: string,
];

/** Hand-offs that one step ended, as the journal keeps them: packed, for there is one for every message. */
export interface JournaledHandOffs {
  readonly kind: "hand-offs";
  /** When the step was taken, in wall milliseconds. */
  readonly at: number;
  readonly of: readonly Kind[];
  readonly handOffs: readonly Packed[];
}

/** A hand-off as it is read. */
export interface ReadHandOff extends Kind {
  readonly id: string;
  readonly conversation: string;
  readonly cause?: string;
  readonly attempt: number;
  /** In wall milliseconds, as `at`. */
  readonly offeredAt?: number;
  /** When it was over. */
  readonly at: number;
  readonly acknowledged: boolean;
}

/** Packs the hand-offs that a step at `at` ended. */
export function packHandOffs(at: number, ended: readonly HandOffOfMessage[]): JournaledHandOffs {
  const of: Kind[] = [];
  const handOffs = ended.map(({ message, handOff }): Packed => {
    const { id, attempt, offeredAt, end } = handOff;
    const { conversationId, causationId } = message;
    const offered = offeredAt === undefined ? null : at - offeredAt;
    const packed = [
      kindOf(of, message, handOff),
      id,
      attempt,
      offered,
      at - handOff.at,
      end === "acknowledged" ? 1 : 0,
    ];
    if (conversationId !== id || causationId !== undefined) packed.push(conversationId === id ? null : conversationId);
    if (causationId !== undefined) packed.push(causationId);
    return packed as unknown as Packed;
  });
  return { kind: "hand-offs", at, of, handOffs };
}

/** Unpacks the hand-offs of an entry; what another program broke is left out. */
export function unpackHandOffs({ at, of, handOffs }: JournaledHandOffs): ReadHandOff[] {
  return handOffs.flatMap((packed) => {
    const [place, id, attempt, offered, over, acknowledged, conversation, cause] = Array.isArray(packed)
      ? (packed as Packed)
      : ([] as unknown as Packed);
    const kind = of[place];
    if (kind === undefined || typeof id !== "string") return [];
    return {
      ...kind,
      id,
      conversation: conversation ?? id,
      ...(cause === undefined ? {} : { cause }),
      attempt,
      ...(offered === null ? {} : { offeredAt: at - offered }),
      at: at - over,
      acknowledged: acknowledged === 1,
    };
  });
}

/** The place of a hand-off's kind, added if it is new. There are few, and neighbours are mostly alike: the last is looked at first. */
function kindOf(kinds: Kind[], { type, from, channel }: Envelope, { recipient, instance }: HandOff): number {
  for (let place = kinds.length - 1; place >= 0; place--) {
    const kind = kinds[place] as Kind;
    if (
      kind.message === type &&
      kind.from === from &&
      kind.recipient === recipient &&
      kind.channel === channel &&
      kind.instance === instance
    )
      return place;
  }
  kinds.push({
    message: type,
    from,
    ...(channel === undefined ? {} : { channel }),
    recipient,
    ...(instance === undefined ? {} : { instance }),
  });
  return kinds.length - 1;
}
