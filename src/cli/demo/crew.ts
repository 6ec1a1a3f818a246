import type { Bus } from "../../connected-bus.ts";
import { advisor } from "./advisor.ts";
import { archivist } from "./archivist.ts";
import { licenceReader, type WorkerOptions } from "./licence-reader.ts";
import { scanner } from "./scanner.ts";
import { sizeMeter } from "./size-meter.ts";

/** The crews of the demo, each a process of its own. */
export const CREWS = ["scouts", "workers", "archive"] as const;

/** One of the {@link CREWS}. */
export type Crew = (typeof CREWS)[number];

/** Joins the agents of one crew. */
export async function joinCrew(bus: Bus, crew: Crew, options: WorkerOptions): Promise<void> {
  if (crew === "scouts") {
    await bus.join(scanner());
    await bus.join(advisor());
  } else if (crew === "workers") {
    await bus.join(licenceReader(options));
    await bus.join(sizeMeter(options));
  } else {
    await bus.join(archivist(Date.now()));
  }
}
