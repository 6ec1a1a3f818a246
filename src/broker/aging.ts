/** Of so many hand-offs in a row, at least one goes to a lower level that waits. */
export const AGING_PERIOD = 16;

/** The place of an empty level in {@link AgingGuard.choose}. */
export const EMPTY_LEVEL = Number.POSITIVE_INFINITY;

/**
 * Decides which priority level hands off next: the highest that waits, but so that the lower ones never starve.
 * Every driver whose engine leaves the choice to it uses this one policy.
 */
export class AgingGuard {
  /** Hand-offs in a row that passed over a lower level that waited; 0 to 15. Kept in the engine where processes share an inbox. */
  passedOver: number;

  constructor(passedOver = 0) {
    this.passedOver = passedOver;
  }

  /**
   * Chooses a level and counts the hand-off. `heads[level]` is the place of the level's first message in the order of
   * acceptance, `EMPTY_LEVEL` if nothing waits there; level 0 is the highest. Returns -1 if all are empty.
   */
  choose(heads: ArrayLike<number>): number {
    let highest = 0;
    while (highest < heads.length && heads[highest] === EMPTY_LEVEL) highest++;
    if (highest === heads.length) return -1;
    let oldestLower = -1;
    let oldestPlace = EMPTY_LEVEL;
    for (let level = highest + 1; level < heads.length; level++) {
      const place = heads[level] as number;
      if (place < oldestPlace) {
        oldestPlace = place;
        oldestLower = level;
      }
    }
    if (oldestLower === -1) {
      this.passedOver = 0;
      return highest;
    }
    if (this.passedOver < AGING_PERIOD - 1) {
      this.passedOver++;
      return highest;
    }
    this.passedOver = 0;
    return oldestLower;
  }
}
