/**
 * A slot is a copy's place in its inbox as one number: priority * 2^42 + sequence, below 2^45, so that it is
 * exact in a double. The row's key is inbox * 2^45 + slot, which only SQL computes.
 */
const LEVEL_SIZE = 2 ** 42;

/** How many inboxes a file can hold at once: what is left of 63 bits. */
export const MOST_INBOXES = 2 ** 18 - 2;

/** The slot of a priority (0 is the highest) and a sequence. */
export function slotOf(priority: number, sequence: number): number {
  return priority * LEVEL_SIZE + sequence;
}

/** The priority of a slot, 0 to 4. */
export function priorityOf(slot: number): number {
  return Math.floor(slot / LEVEL_SIZE);
}

/** The place in the order of acceptance, over all priorities. */
export function sequenceOf(slot: number): number {
  return slot % LEVEL_SIZE;
}

/** The slot after which a priority's first slot lies. */
export function levelStart(priority: number): number {
  return priority * LEVEL_SIZE;
}

/** The last slot that a priority can have. */
export function levelEnd(priority: number): number {
  return (priority + 1) * LEVEL_SIZE - 1;
}

/** A priority's slots. */
export function levelRange(priority: number): { readonly after: number; readonly to: number } {
  return { after: levelStart(priority), to: levelEnd(priority) };
}
