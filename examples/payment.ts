// Typed messages, replies and channel templates: a shop asks for payments and hears of their outcome on a channel.
import { AgentFailure, AgentwireError, channel, connect, defineAgent, defineMessage } from "agentwire";
import { z } from "zod";

const sessions = channel("payments.{direction}.{session}");

const Charge = defineMessage("payment.charge", z.object({ session: z.string(), cents: z.number().int().positive() }), {
  reply: z.object({ transaction: z.string() }),
});
const Paid = defineMessage(
  "payment.paid",
  z.object({ session: z.string(), transaction: z.string(), at: z.coerce.date() }),
);

const payments = defineAgent({ name: "payments", capabilities: ["charge"], sends: [Paid] }).on(
  Charge,
  async ({ payload }, ctx) => {
    if (payload.cents > 100_000) throw new AgentFailure("LIMIT_REACHED", "No more than 1000.00 at once");
    const transaction = `tx-${payload.session}`;
    const where = sessions.format({ direction: "out", session: payload.session });
    await ctx.publish(
      Paid,
      { session: payload.session, transaction, at: new Date().toISOString() },
      { channel: where },
    );
    return { transaction };
  },
);

const ledger = defineAgent({ name: "ledger", subscribes: [sessions.pattern({ direction: "out" })] }).on(
  Paid,
  ({ payload, channel: where }) => {
    const { session } = sessions.parse(where ?? "") ?? { session: "?" };
    console.log(`ledger: ${payload.transaction} of session ${session}, a date: ${payload.at instanceof Date}`);
  },
);

// In memory, or on the engine that the environment names.
process.env["AGENTWIRE_URL"] ??= "memory:";
await using bus = await connect();
await bus.join(payments);
await bus.join(ledger);

const { transaction } = await bus.request(Charge, { session: "42", cents: 1999 }, { to: { capability: "charge" } });
console.log(`shop: paid with ${transaction}`);

try {
  await bus.request(Charge, { session: "43", cents: 200_000 }, { to: payments });
} catch (error) {
  if (!AgentwireError.is(error, "REMOTE_FAILED")) throw error;
  console.log(`shop: refused with ${error.details.code}`);
}
await bus.settled();
