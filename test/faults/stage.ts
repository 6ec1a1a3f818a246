import { type Bus, type ConnectOptions, connect } from "../../src/index.ts";
import type { Placed, Role } from "./roles/role.ts";

/** Plays a role in this process, on the bus that its task names. Resolves with the bus when the role has begun, or is over. */
export async function play<Task>(role: Role<Task>, onOpen: (bus: Bus) => void = () => {}): Promise<Bus> {
  const task = JSON.parse(process.argv[2] as string) as Placed<Task>;
  let bus: Bus | undefined;
  const open = async (options: ConnectOptions = {}): Promise<Bus> => {
    bus = await connect(task.url, { logger: false, ...options });
    onOpen(bus);
    return bus;
  };
  await role(task, { open, say: (line) => process.stdout.write(`${line}\n`), now: Date.now });
  return bus as Bus;
}
