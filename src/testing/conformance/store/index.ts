import { type ConformanceCase, type ConformanceOptions, declareCases } from "../suite.ts";
import { entryCases } from "./entries.ts";
import { listCases } from "./listing.ts";
import { logCases } from "./logs.ts";
import { transactionCases } from "./transactions.ts";
import { StoreTrial } from "./trial.ts";

/** The cases by concept: what a store driver must do. */
export const storeCases: readonly { readonly name: string; readonly cases: readonly ConformanceCase<StoreTrial>[] }[] =
  [
    { name: "entries", cases: entryCases },
    { name: "lists and watchers", cases: listCases },
    { name: "logs", cases: logCases },
    { name: "transactions", cases: transactionCases },
  ];

/** Declares the conformance suite of the store contract. */
export function storeConformance(options: ConformanceOptions): void {
  for (const group of storeCases) declareCases(options, group, (engine) => StoreTrial.start(engine));
}
