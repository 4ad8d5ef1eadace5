import { expect, test } from "bun:test";
import { connectBytes } from "../support/connect-bytes.ts";
import { clientAnswer } from "../support/brief-account.ts";
import { RunningBroker } from "../support/executable.ts";

test("a listener on port 0 is named by the port that the system chose", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  const { port } = broker;
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(connectBytes({ version: 4, clientId: "dev" }));
  await broker.line("dev connected", ({ client }) => client === "dev");
  const { connections } = await clientAnswer(broker.folder, "dev");
  expect(connections.map(({ listener }) => listener)).toEqual([`tcp localhost:${port}`]);
});
