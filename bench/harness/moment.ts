/** A point in a run: wall milliseconds, and microseconds of processor time that this process has used. */
export interface Moment {
  readonly at: number;
  readonly cpu: number;
}

/** Now. */
export function moment(): Moment {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), cpu: user + system };
}

/** `rate`, messages a second between two moments, and `cpu`, microseconds of processor time that each cost. */
export function pace(began: Moment, ended: Moment, messages: number): { readonly rate: number; readonly cpu: number } {
  return { rate: (messages * 1000) / (ended.at - began.at), cpu: (ended.cpu - began.cpu) / messages };
}
