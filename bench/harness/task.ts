/** What a side is asked to do in its own process. */
export interface Task {
  /** Name in the table of sides. */
  readonly side: string;
  /** An empty folder for the side's files; removed afterwards. */
  readonly folder: string;
  /** Messages in all, warm-up included. */
  readonly count: number;
  /** Bytes of one message's JSON envelope. */
  readonly size: number;
  /** What else this side understands, as its own file says. */
  readonly settings: Settings;
}

/** Particulars of one side in one workload: plain data, because it crosses a process boundary. */
export type Settings = Readonly<Record<string, string | number>>;

/** What a side measured, by name: `rate` in messages a second, `p50` and `p99` in milliseconds, and so on. */
export type Figures = Readonly<Record<string, number>>;

/** One contestant: does the task, checks itself, throws if a message was lost or doubled. */
export type Side = (task: Task) => Promise<Figures>;

/** Whether a setting is there, as a text. @throws Error when the workload forgot it */
export function textSetting(task: Task, name: string): string {
  const value = task.settings[name];
  if (typeof value !== "string") throw new Error(`side ${task.side} needs the setting "${name}"`);
  return value;
}

/** A numeric setting. @throws Error when the workload forgot it */
export function numberSetting(task: Task, name: string): number {
  const value = task.settings[name];
  if (typeof value !== "number") throw new Error(`side ${task.side} needs the setting "${name}"`);
  return value;
}
