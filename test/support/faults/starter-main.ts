// Starts a server, says where it is, and waits to be killed.
import { ENGINES, type EngineName } from "../../../scripts/servers/engines.ts";

const { port, folder } = await ENGINES[process.argv[2] as EngineName].start();
console.log(JSON.stringify({ port, folder }));
setInterval(() => {}, 60_000);
