import { chmodSync, readFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { spawn, spawnSync } from "../support/child.ts";
import { executable, Folder, run, RunningBroker } from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

/** Planted where a user keeps them. None may come out anywhere. */
const planted = {
  password: "planted-right-password",
  wrongPassword: "planted-wrong-password",
  passphrase: "planted-passphrase",
  token: "planted-token",
} as const;

const linuxOnly = process.platform !== "linux";

/** An account whose hash is a secret too. */
async function hashLine(folder: Folder): Promise<string> {
  await using child = spawn([executable(), "passwd", folder.file("passwd"), "alice"], {
    stdin: new Blob([planted.password]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = (await child.stdout.text()) + (await child.stderr.text());
  expect(await child.exited).toBe(0);
  expect(output).not.toContain(planted.password);
  return folder.text("passwd");
}

async function started(
  logFormat: "json" | "human",
  files: Readonly<Record<string, string>>,
): Promise<RunningBroker> {
  const broker = await RunningBroker.start({
    files,
    logFormat,
    args: ["--verbose"],
    through: 'umask 077; chmod 600 token passphrase; exec "$0" "$@"',
  });
  return broker;
}

for (const logFormat of ["json", "human"] as const) {
  test.skipIf(linuxOnly || opensslMissing !== null)(
    `no secret comes out: the log (${logFormat}, every packet), inspect, metrics, the process list`,
    async () => {
      using folder = new Folder();
      using authority = new Authority();
      const { keyFile, cert } = authority.issue("localhost", ["DNS:localhost"]);
      const encrypted = spawnSync([
        ...["openssl", "ec", "-in", keyFile, "-aes256", "-passout", `pass:${planted.passphrase}`],
      ]).stdout.toString();
      const line = await hashLine(folder);
      const files = {
        passwd: line,
        token: planted.token,
        passphrase: planted.passphrase,
        "server.crt": cert,
        "server.key": encrypted,
        "mqttd.json": JSON.stringify({
          auth: { passwordFile: "passwd" },
          admin: { port: 0, tokenFile: "token" },
          listeners: [
            {},
            {
              transport: "tls",
              port: 0,
              tls: { cert: "server.crt", key: "server.key", passphraseFile: "passphrase" },
            },
          ],
        }),
      };
      await using broker = await started(logFormat, files);
      let output = readFileSync(`/proc/${broker.pid}/cmdline`, "utf8");
      output += readFileSync(`/proc/${broker.pid}/environ`, "utf8");
      using right = await SocketClient.connect(broker.port, {
        ...{ clientId: "right", username: "alice", password: Buffer.from(planted.password) },
      });
      using wrong = await SocketClient.dial(broker.port);
      const refused = await wrong.connect({
        ...{ clientId: "wrong", username: "alice", password: Buffer.from(planted.wrongPassword) },
      });
      expect(refused.reasonCode).toBe(0x86);
      output += JSON.stringify(refused);
      // The file is damaged, with the password in it: the errors quote nothing.
      broker.folder.write("passwd", `${line}bob:${planted.wrongPassword}\n`);
      broker.signal("SIGUSR1");
      for (const words of [
        ["reload"],
        ["config"],
        ["config", "--json"],
        [],
        ["clients", "--json"],
        ["client", "right", "--json"],
        ["client", "wrong", "--json"],
        ["explain", "wrong"],
        ["explain", "right", "--json"],
        ["wills", "--json"],
      ]) {
        const { stdout, stderr } = await run(broker.folder, ["inspect", ...words]);
        expect([words, stdout + stderr]).not.toEqual([words, ""]);
        output += stdout + stderr;
      }
      await right.ping();
      broker.folder.write("passwd", line);
      chmodSync(broker.folder.file("passwd"), 0o600);
      await broker.stop();
      output += JSON.stringify(broker.log.items) + broker.lines.items.join("\n");
      const [, hash = ""] = line.trim().split(":");
      // It found what it searched.
      expect(output).toContain("alice");
      expect(output).toContain("CONNECT");
      expect(output).toContain("passphraseFile");
      for (const [what, secret] of Object.entries({ ...planted, hash })) {
        expect([what, output.includes(secret)]).toEqual([what, false]);
        const coded = [Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("hex")];
        expect([what, coded.some((text) => output.includes(text))]).toEqual([what, false]);
      }
    },
    180_000,
  );
}
