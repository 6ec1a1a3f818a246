import { type ConformanceCase, type ConformanceOptions, declareCases } from "../suite.ts";
import { creditCases } from "./credit.ts";
import { fanOutCases } from "./fan-out.ts";
import { publishCases } from "./publish.ts";
import { settleCases } from "./settle.ts";
import { BrokerTrial } from "./trial.ts";

/** The cases by concept: what a broker driver must do. */
export const brokerCases: readonly { readonly name: string; readonly cases: readonly ConformanceCase<BrokerTrial>[] }[] = [
  { name: "publishing", cases: publishCases },
  { name: "fan-out", cases: fanOutCases },
  { name: "credit and consumers", cases: creditCases },
  { name: "settling", cases: settleCases },
];

/** Declares the conformance suite of the broker contract. */
export function brokerConformance(options: ConformanceOptions): void {
  for (const group of brokerCases) declareCases(options, group, (engine) => BrokerTrial.start(engine));
}
