import type { Broker } from "../../src/broker/broker.ts";
import type { DriverContext } from "../../src/broker/driver.ts";
import { loadDriver } from "../../src/drivers.ts";
import type { Bus, ConnectOptions } from "../../src/index.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { jsonCodec } from "../../src/message/codec-json.ts";
import { connectAt } from "./connect-at.ts";
import type { Placed, Role } from "./roles/role.ts";

/** How a foreign program comes to the engine of the default bus. */
export const FOREIGN: DriverContext = {
  clock: systemClock,
  codec: jsonCodec,
  scope: "default/default",
  instance: "foreign",
  report: () => {},
};

/** Plays a role in this process, on the bus that its task names. Resolves with the bus when the role has begun, or is over. */
export async function play<Task>(role: Role<Task>, onOpen: (bus: Bus) => void = () => {}): Promise<Bus> {
  const task = JSON.parse(process.argv[2] as string) as Placed<Task>;
  let bus: Bus | undefined;
  const open = async (options: ConnectOptions = {}): Promise<Bus> => {
    bus = await connectAt(task, options);
    onOpen(bus);
    return bus;
  };
  const engine = async (): Promise<Broker> => {
    const { store } = task.store === undefined ? {} : await loadDriver(task.store, FOREIGN);
    await store?.open();
    const { broker, store: own } = await loadDriver(task.url, store === undefined ? FOREIGN : { ...FOREIGN, store });
    await own?.open();
    await broker.open();
    return broker;
  };
  await role(task, { open, engine, say: (line) => process.stdout.write(`${line}\n`), now: Date.now });
  return bus as Bus;
}
