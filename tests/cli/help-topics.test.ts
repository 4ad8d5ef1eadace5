import { expect, test } from "bun:test";
import { ends } from "../../src/core/end-causes.ts";
import { Reason, reasonName } from "../../src/core/reason.ts";
import { codeMeanings } from "../../src/standard/reason-codes.ts";
import { mqttd } from "./surroundings.ts";

async function page(topic: string): Promise<string> {
  const { code, stdout, stderr } = await mqttd(["help", topic]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.replace(/\s+/g, " ");
}

test("help codes: every reason code with its name, and the return codes of 3.1.1", async () => {
  const text = await page("codes");
  for (const code of new Set(Object.values(Reason))) {
    const number = `0x${code.toString(16).padStart(2, "0").toUpperCase()} ${code}`;
    expect(text).toContain(`${number} ${reasonName(code)}: ${codeMeanings[code].says}`);
  }
  expect(text).toContain("5 not authorized");
});

/** A packet with a reason code, up to the code and behind it. */
const packets = {
  CONNACK: ["20 03 00", "00"],
  PUBACK: ["40 03 00 01", ""],
  PUBREC: ["50 03 00 01", ""],
  PUBREL: ["62 03 00 01", ""],
  PUBCOMP: ["70 03 00 01", ""],
  SUBACK: ["90 04 00 01 00", ""],
  UNSUBACK: ["b0 04 00 01 00", ""],
  DISCONNECT: ["e0 01", ""],
} as const;

test("help codes: the packets of each code are those in which inspect packet allows it", async () => {
  for (const [name, [before, behind]] of Object.entries(packets)) {
    const senders =
      name === "DISCONNECT" || name.startsWith("PUB") ? ["client", "server"] : ["server"];
    for (const code of new Set(Object.values(Reason))) {
      const byte = code.toString(16).padStart(2, "0");
      let isAllowed = false;
      for (const from of senders) {
        const bytes = `${before} ${byte} ${behind}`;
        const { stdout } = await mqttd([
          "inspect",
          "packet",
          bytes,
          "-V",
          "5",
          "--from",
          from,
          "--json",
        ]);
        isAllowed ||= !/is not allowed in|no code that may stand here/.test(stdout);
      }
      const { packets: listed } = codeMeanings[code];
      const isListed = listed.includes("all") || new RegExp(`\\b${name}\\b`).test(listed);
      expect({ name, byte, isAllowed }).toEqual({ name, byte, isAllowed: isListed });
    }
  }
});

test("help errors: exit codes, mosquitto's beside them, and every cause of an end", async () => {
  const text = await page("errors");
  expect(text).toContain("27, of -W");
  for (const { text: cause } of Object.values(ends)) expect(text).toContain(cause);
  expect(text).toContain("keepalive expired will published; a v5 client is sent DISCONNECT 0x8D");
  expect(text).toContain("DISCONNECT will discarded");
});

test("an unknown topic: the nearest word, of commands and topics", async () => {
  const wrong = async (...args: string[]) => {
    const { code, stdout, stderr } = await mqttd(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    return stderr;
  };
  expect(await wrong("help", "codse")).toBe(
    'mqttd: unknown command or topic "codse" (did you mean codes?)\n',
  );
  expect(await wrong("help", "inspct")).toContain("did you mean inspect?");
  expect(await wrong("errors")).toContain("mqttd help errors");
});

const entries: readonly (readonly [words: readonly string[], shown: readonly string[]])[] = [
  [
    ["codes", "0x8B"],
    ["MQTT 5.0:", "0x8B 139 server shutting down:"],
  ],
  [["codes", "139"], ["0x8B 139 server shutting down:"]],
  [["codes", "8b"], ["0x8B 139 server shutting down:"]],
  [["codes", "Server shutting down"], ["0x8B 139 server shutting down:"]],
  [["codes", "server-shutting", "DOWN"], ["0x8B 139 server shutting down:"]],
  [["codes", "5"], ["MQTT 3.1 and 3.1.1, in CONNACK: 5 not authorized"]],
  [
    ["codes", "not authorized"],
    ["0x87 135 not authorized:", "in CONNACK: 5 not authorized"],
  ],
  [["codes", "quota"], ["0x97 151 quota exceeded:"]],
  [
    ["errors", "5"],
    ["Exit codes: 5 timed out", "mosquitto's clients: 5 27, of -W"],
  ],
  [["errors", "143"], ["130, 143 ended by SIGINT, SIGTERM"]],
  [["errors", "keepalive expired"], ["Causes of ends, and the will: keepalive expired"]],
];

test.each(entries)("help %p shows that one alone", async (words, shown) => {
  const { code, stdout, stderr } = await mqttd(["help", ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const text = stdout.replace(/\s+/g, " ");
  for (const part of shown) expect(text).toContain(part);
  expect(stdout.split("\n").length).toBeLessThan(12);
  expect(text).not.toContain("Usage:");
});

test.each([
  [["codes", "0xFF"], 'help codes: there is no code "0xFF" (did you mean 0xA2?)'],
  [["codes", "87"], 'help codes: there is no code "87" (did you mean 0x87?)'],
  [["codes", "not autorized"], "(did you mean not authorized?)"],
  [["codes", "banana"], 'there is no name "banana" (mqttd help codes lists all)'],
  [["errors", "71"], 'help errors: there is no code "71" (did you mean 70?)'],
  [["errors", "keepalive expires"], "(did you mean keepalive expired?)"],
  [["codes", ""], 'there is no name "" (mqttd help codes lists all)'],
])("help %p names the nearest, in one line", async (words, said) => {
  const { code, stdout, stderr } = await mqttd(["help", ...words]);
  expect({ code, stdout, lines: stderr.split("\n").length }).toEqual({
    code: 2,
    stdout: "",
    lines: 2,
  });
  expect(stderr).toContain(said);
});

test("mqttd version, in words and as JSON", async () => {
  const plain = await mqttd(["version"]);
  expect(plain.stdout).toBe("mqttd 1.2.3 (commit abc1234)\n");
  const { stdout } = await mqttd(["version", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    name: "mqttd",
    version: "1.2.3",
    commit: "abc1234",
    runtime: { name: "bun", version: Bun.version },
    target: `${process.platform}-${process.arch}`,
    api: 1,
    features: {
      protocols: ["3.1", "3.1.1", "5.0"],
      transports: ["tcp", "tls", "ws", "wss", "unix"],
      tcpDetectors: true,
      crl: true,
      keyLog: true,
      argon2id: true,
    },
  });
  expect((await mqttd(["--version", "--json"])).stdout).toBe(stdout);
});
