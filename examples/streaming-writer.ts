// A streaming reply: chunks while the answer grows, and the whole of it as the durable last word.
import { connect, defineAgent, defineMessage } from "agentwire";
import { z } from "zod";

const Ask = defineMessage("ask", z.object({ question: z.string() }), {
  reply: z.object({ answer: z.string() }),
  chunk: z.string(),
});

/** Stands in for a language model. */
async function* words(): AsyncGenerator<string> {
  for (const word of ["Because ", "blue ", "light ", "scatters ", "most."]) yield word;
}

const writer = defineAgent({ name: "writer" }).on(Ask, async function* () {
  let answer = "";
  for await (const word of words()) {
    answer += word;
    yield word;
  }
  return { answer };
});

// In memory, or on the engine that the environment names.
process.env["AGENTWIRE_URL"] ??= "memory:";
await using bus = await connect();
await bus.join(writer);

const stream = bus.stream(Ask, { question: "Why is the sky blue?" }, { to: writer });
for await (const chunk of stream) process.stdout.write(chunk);
const { answer } = await stream.reply;
console.log(`\n${answer.length} characters`);
