import { type ConformanceCase, type ConformanceOptions, declareCases } from "../suite.ts";
import { cancelCases } from "./cancel.ts";
import { capacityCases } from "./capacity.ts";
import { closingCases } from "./closing.ts";
import { creditCases } from "./credit.ts";
import { dedupeCases } from "./dedupe.ts";
import { emitCases } from "./emit.ts";
import { endCases } from "./ends.ts";
import { fanOutCases } from "./fan-out.ts";
import { inboxCases } from "./inboxes.ts";
import { inspectCases } from "./inspect.ts";
import { journalCases } from "./journal.ts";
import { leaseCases } from "./leases.ts";
import { orderCases } from "./order.ts";
import { orderKeyCases } from "./order-keys.ts";
import { propertyCases } from "./properties.ts";
import { publishCases } from "./publish.ts";
import { routingCases } from "./routing.ts";
import { settleCases } from "./settle.ts";
import { signalCases } from "./signals.ts";
import { timeCases } from "./time.ts";
import { BrokerTrial } from "./trial.ts";

/** The cases by concept: what a broker driver must do. */
export const brokerCases: readonly {
  readonly name: string;
  readonly cases: readonly ConformanceCase<BrokerTrial>[];
}[] = [
  { name: "publishing", cases: publishCases },
  { name: "fan-out", cases: fanOutCases },
  { name: "routing", cases: routingCases },
  { name: "deduplication", cases: dedupeCases },
  { name: "capacity", cases: capacityCases },
  { name: "order and priority", cases: orderCases },
  { name: "order keys", cases: orderKeyCases },
  { name: "random walks", cases: propertyCases },
  { name: "delay and expiry", cases: timeCases },
  { name: "credit and consumers", cases: creditCases },
  { name: "settling", cases: settleCases },
  { name: "emitting with a settle", cases: emitCases },
  { name: "leases", cases: leaseCases },
  { name: "cancelling and superseding", cases: cancelCases },
  { name: "ends and dead letters", cases: endCases },
  { name: "the journal", cases: journalCases },
  { name: "inboxes", cases: inboxCases },
  { name: "inspection", cases: inspectCases },
  { name: "signals and capabilities", cases: signalCases },
  { name: "closing", cases: closingCases },
];

/** Declares the conformance suite of the broker contract. */
export function brokerConformance(options: ConformanceOptions): void {
  for (const group of brokerCases) declareCases(options, group, (engine) => BrokerTrial.start(engine, options));
}
