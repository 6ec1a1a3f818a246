import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";

/** One of the ways through a {@link FaultProxy}, or both of them. */
export type LineWay = "to-server" | "to-client" | "both";

/** What is wrong with a line; what is left out is well. */
export interface LineFaults {
  /** Bytes wait until the line is set anew, and no end of a connection is passed on: the peer is there, and silent. */
  readonly hold?: LineWay;
  /** Bytes are lost, and no end of a connection is passed on. A connection that has lost some is reset when the line is set anew. */
  readonly drop?: LineWay;
  /** How much later bytes arrive, each way; default 0. */
  readonly delay?: Duration;
  /** Bytes a second, each way; default without a limit. */
  readonly rate?: number;
}

/** What is wrong with one way. */
export interface WayFaults {
  readonly hold: boolean;
  readonly drop: boolean;
  /** Milliseconds. */
  readonly delay: number;
  /** Bytes a second. */
  readonly rate: number;
}

/** What faults of a line mean for each way. @throws OUT_OF_RANGE */
export function waysOf(faults: LineFaults): Readonly<Record<"to-server" | "to-client", WayFaults>> {
  const { hold, drop, rate = Number.POSITIVE_INFINITY } = faults;
  const delay = parseDuration(faults.delay ?? 0, { name: "delay" });
  if (!(rate > 0)) throw new AgentwireError("OUT_OF_RANGE", `rate must be a number above 0, not ${rate}`);
  for (const [name, way] of Object.entries({ hold, drop })) {
    if (way !== undefined && way !== "to-server" && way !== "to-client" && way !== "both")
      throw new AgentwireError("OUT_OF_RANGE", `${name} must be "to-server", "to-client" or "both"`);
  }
  const of = (way: LineWay): WayFaults => ({
    hold: hold === way || hold === "both",
    drop: drop === way || drop === "both",
    delay,
    rate,
  });
  return { "to-server": of("to-server"), "to-client": of("to-client") };
}
