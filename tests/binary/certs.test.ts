import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { expect, test } from "bun:test";
import { spawn } from "../support/child.ts";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { mosquittoAbsent } from "../support/mosquitto.ts";

const tlsFiles = {
  cert: "certs/server.crt",
  key: "certs/server.key",
  ca: "certs/ca.crt",
  requestCert: true,
};

/** A broker that serves with certificates of `mqttd certs`, on TLS alone. */
async function served(): Promise<RunningBroker> {
  using folder = new Folder();
  expect(await run(folder, ["certs", "--client", "dev-42"])).toMatchObject({
    code: 0,
    stderr: "",
  });
  const files = Object.fromEntries(
    folder
      .names()
      .filter((name) => /\.(?:crt|key)$/.test(name))
      .map((name) => [name, folder.text(name)]),
  );
  const listeners = [{ transport: "tls", tls: tlsFiles }];
  return await RunningBroker.start({
    files: { ...files, "mqttd.json": JSON.stringify({ listeners }) },
  });
}

test("a client that trusts the CA and has its certificate shakes hands, another does not", async () => {
  await using broker = await served();
  const pem = (name: string) => readFileSync(broker.folder.file(`certs/${name}`));
  const shakes = async (more: object): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect({
      host: "127.0.0.1",
      port: broker.port,
      servername: "localhost",
      ...more,
    });
    socket.on("secureConnect", () => resolve(socket.authorized));
    socket.on("error", () => resolve(false));
    const result = await promise;
    socket.destroy();
    return result;
  };
  const client = { cert: pem("dev-42.crt"), key: pem("dev-42.key") };
  expect(await shakes({ ca: pem("ca.crt"), ...client })).toBe(true);
  expect(await shakes({ ca: pem("ca.crt"), ...client, servername: "other.example" })).toBe(false);
  expect(await shakes(client)).toBe(false);
  await broker.stop();
});

test.skipIf(mosquittoAbsent !== null)("mosquitto_pub publishes with them", async () => {
  await using broker = await served();
  const file = (name: string) => broker.folder.file(`certs/${name}`);
  const publishes = async (...more: readonly string[]): Promise<boolean> => {
    await using child = spawn(
      [
        ...["mosquitto_pub", "-h", "localhost", "-p", `${broker.port}`, "-t", "t", "-m", "m"],
        ...["--cafile", file("ca.crt"), ...more],
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    return (await child.exited) === 0;
  };
  expect(await publishes("--cert", file("dev-42.crt"), "--key", file("dev-42.key"))).toBe(true);
  expect(await publishes()).toBe(false);
  await broker.stop();
});
