import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { gatherWrites } from "../../../src/drivers/rabbitmq/gathered-writes.ts";

it("hands over as one what is written in one turn, in its order, and the next turn's apart", async () => {
  const calls: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  gatherWrites(stream);
  for (const text of ["a", "b", "c"]) stream.write(text);
  await new Promise((resolve) => setImmediate(resolve));
  stream.write("d");
  stream.end("e");
  await new Promise((resolve) => stream.once("finish", resolve));
  expect(calls).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});
