import type { Command } from "commander";
import { connect } from "../connect.ts";
import type { ConnectOptions } from "../connect-options.ts";
import type { Bus } from "../connected-bus.ts";
import { AgentwireError } from "../errors.ts";
import { type Output, standardOutput } from "./output.ts";

/** The options that every command takes. */
export interface CommonOptions {
  readonly json: boolean;
  readonly url?: string;
  readonly store?: string;
  readonly namespace?: string;
  readonly tenant?: string;
}

/** Connects for one command, and disconnects when it is done. The URL is `--url`, else `AGENTWIRE_URL`, else the default. */
export async function withBus(
  command: Command,
  run: (bus: Bus, output: Output) => Promise<void>,
  extra: ConnectOptions = {},
): Promise<void> {
  const { json, url, store } = command.optsWithGlobals<CommonOptions>();
  if (store !== undefined) refuseSecret(store, "Put the URL into the environment variable AGENTWIRE_STORE.");
  const both = store === undefined ? extra : { store, ...extra };
  await connected(url, command, (bus) => run(bus, standardOutput(json)), both);
}

/** Connects to a second bus as well, in the same namespace. */
export function withOther(url: string, command: Command, run: (bus: Bus) => Promise<void>): Promise<void> {
  return connected(url, command, run, {});
}

async function connected(
  url: string | undefined,
  command: Command,
  run: (bus: Bus) => Promise<void>,
  extra: ConnectOptions,
): Promise<void> {
  const { namespace, tenant } = command.optsWithGlobals<CommonOptions>();
  if (url !== undefined) refuseSecret(url);
  const bus = await connect(url, {
    name: "cli",
    logger: false,
    ...(namespace === undefined ? {} : { namespace }),
    ...(tenant === undefined ? {} : { tenant }),
    ...extra,
  });
  try {
    await run(bus);
  } finally {
    await bus.close();
  }
}

// Arguments of a process can be read by every user of the machine.
/** Refuses a URL with a password among the arguments. @throws ARGUMENT_INVALID */
export function refuseSecret(url: string, hint = "Put the URL into the environment variable AGENTWIRE_URL."): void {
  let password = "";
  try {
    password = new URL(url).password;
  } catch {
    // Not of that form, so it holds no password; the driver says what is wrong with it.
  }
  if (password !== "") {
    throw new AgentwireError(
      "ARGUMENT_INVALID",
      "A URL among the arguments holds a password, which every user of this machine can see",
      { hint },
    );
  }
}
