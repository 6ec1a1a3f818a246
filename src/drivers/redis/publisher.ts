import type { Publication, PublishResult } from "../../broker/publication.ts";
import { AgentwireError } from "../../errors.ts";
import { Gathered } from "./gathered.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import { type EncodedPublication, encodePublication, resultOf } from "./publish.ts";
import type { Session } from "./session.ts";

interface Batch {
  readonly publications: readonly EncodedPublication[];
  resolve(results: readonly PublishResult[]): void;
}

/** One call of the script stores at most so many messages, so that the server is not kept for long. */
const MOST_MESSAGES = 128;
const MOST_BATCHES = 64;

/** Publishes messages, those of one turn of the event loop in as few calls as possible, in their order. */
export class Publisher {
  readonly #session: Session;
  readonly #gathered: Gathered<Batch>;

  constructor(session: Session) {
    this.#session = session;
    this.#gathered = new Gathered<Batch>({ most: MOST_BATCHES, underWay: 2, carry: (batches) => this.#carry(batches) });
  }

  async publish(batch: readonly Publication[]): Promise<PublishResult[]> {
    const results = new Array<PublishResult>(batch.length);
    const places: number[] = [];
    const publications: EncodedPublication[] = [];
    batch.forEach((publication, at) => {
      try {
        publications.push(encodePublication(publication, this.#session.context.codec));
        places.push(at);
      } catch (error) {
        results[at] = { status: "failed", error: asRejected(error) };
      }
    });
    if (publications.length === 0) return results;
    const stored = await new Promise<readonly PublishResult[]>((resolve) =>
      this.#gathered.add({ publications, resolve }),
    );
    places.forEach((at, place) => {
      results[at] = stored[place] as PublishResult;
    });
    return results;
  }

  /** Resolves when nothing is under way. */
  drain(): Promise<void> {
    return this.#gathered.drain();
  }

  async #carry(batches: readonly Batch[]): Promise<void> {
    const all = batches.flatMap(({ publications }) => publications);
    const parts: Promise<PublishResult[]>[] = [];
    for (let at = 0; at < all.length; at += MOST_MESSAGES) parts.push(this.#store(all.slice(at, at + MOST_MESSAGES)));
    const results = (await Promise.all(parts)).flat();
    let at = 0;
    for (const { publications, resolve } of batches) {
      resolve(results.slice(at, at + publications.length));
      at += publications.length;
    }
  }

  async #store(publications: readonly EncodedPublication[]): Promise<PublishResult[]> {
    const { peer, context } = this.#session;
    const args = [
      peer,
      context.journal ? "1" : "",
      String(publications.length),
      ...publications.flatMap((one) => one.args),
    ];
    try {
      const answers = (await this.#session.run(SCRIPTS.publish, args, { what: "Publishing" })) as string[];
      return publications.map((publication, at) => resultOf(publication, answers[at] as string));
    } catch (error) {
      // Where the server could not be reached nothing was sent.
      const failure = AgentwireError.is(error, "ENGINE_STATE") ? asRejected(error) : (error as AgentwireError);
      return publications.map(() => ({ status: "failed", error: failure }));
    }
  }
}

function asRejected(error: unknown): AgentwireError {
  if (AgentwireError.is(error) && error.code !== "ENGINE_STATE") return error;
  return new AgentwireError("REJECTED", `The message could not be stored: ${(error as Error).message}`, {
    cause: error,
  });
}
