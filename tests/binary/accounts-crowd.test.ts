import { test } from "bun:test";
import { hashPassword } from "../../src/server/accounts/password-hash.ts";
import { RunningBroker } from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { SocketClient } from "../support/socket-client.ts";

/** The maximum lateness of an expired keepalive. */
const latenessMs = 50;
const boundMs = 180_000;
const clients = 1000;
const silent = 20;

/** Accounts that differ only in their names: each has to be checked, and one hash makes them all. */
async function accounts(iterations: number): Promise<string> {
  const hash = await hashPassword(Buffer.from("right"), "pbkdf2-sha512", iterations);
  return Array.from({ length: clients }, (_, n) => `user-${n}:${hash}\n`).join("");
}

const everybody = Array.from({ length: clients }, (_, n) => n);

async function account(broker: RunningBroker, n: number): Promise<SocketClient> {
  const password = Buffer.from("right");
  const credentials = { clientId: `c-${n}`, username: `user-${n}`, password };
  return SocketClient.connect(broker.port, credentials, boundMs);
}

test(
  "1,000 CONNECTs with passwords at once: others' keepalives end in time, and each is let in",
  async () => {
    await using broker = await RunningBroker.start({
      files: {
        passwd: await accounts(10_000),
        "mqttd.json": JSON.stringify({
          auth: { passwordFile: "passwd", allowAnonymous: true },
          // On a slow machine the last of them waits for half a minute.
          limits: { authenticationTimeout: "2m" },
        }),
      },
    });
    for (let n = 0; n < silent; n++) {
      // They fall silent, and end while the passwords are checked.
      await SocketClient.connect(broker.port, { clientId: `silent-${n}`, keepalive: 1 });
    }
    const crowd = await Promise.all(everybody.map(async (n) => account(broker, n)));
    for (let n = 0; n < silent; n++) {
      const { silentMs, allowedMs, time } = await broker.ended(`silent-${n}`, boundMs);
      expectInTime(
        `the end of silent-${n}`,
        silentMs - (allowedMs ?? 0),
        latenessMs,
        Date.parse(time),
      );
    }
    for (const client of crowd) client[Symbol.dispose]();
    await broker.stop();
  },
  boundMs * 2,
);
