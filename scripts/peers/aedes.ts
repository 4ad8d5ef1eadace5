/** Serves aedes on the given port: `npx bun scripts/peers/aedes.ts 1883`. */
import { createServer } from "node:net";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(Number(process.argv[2]), "127.0.0.1");
