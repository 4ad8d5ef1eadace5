import { afterAll, beforeAll, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder, RunningBroker } from "../support/executable.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { InteractiveShell, type ShellName } from "../support/shell.ts";

/** Has the executable in `bin`, which is first on the PATH, and a file of which only one exists. */
let folder: Folder;

beforeAll(() => {
  folder = new Folder({ "laboratory.json": "{}", "bin/readme": "" });
  symlinkSync(executable(), folder.file("bin/mqttd"));
});
afterAll(() => folder[Symbol.dispose]());

function env(): Record<string, string> {
  const own = environment(folder);
  return { ...own, PATH: `${folder.file("bin")}:${own.PATH}` };
}

function installed(shell: string): boolean {
  return Bun.which(shell) !== null;
}

async function ran(command: readonly string[]): Promise<string[]> {
  await using child = spawn(command, {
    cwd: folder.path,
    env: env(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect({ stderr, code: await child.exited }).toEqual({ stderr: "", code: 0 });
  return stdout.split("\n").filter((line) => line !== "");
}

/** Calls the function as bash does: its words are cut at spaces, = and :. */
async function bashOffers(line: string): Promise<string[]> {
  const words = Array.from(line.matchAll(/[=:]+|[^\s=:]+/g), ([piece]) => piece);
  if (/\s$/.test(line)) words.push("");
  const script =
    'source <(mqttd completions bash); COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); ' +
    "COMP_CWORD=$(($# - 1)); _mqttd; printf '%s\\n' \"${COMPREPLY[@]}\"";
  return ran(["bash", "--norc", "--noprofile", "-c", script, "bash", line, ...words]);
}

test.skipIf(!installed("bash"))("bash: what the function offers", async () => {
  expect(await bashOffers("mqttd simulate-drop half")).toEqual(["half-open"]);
  expect(await bashOffers("mqttd   serve  --log-l")).toEqual(["--log-level"]);
  expect(await bashOffers("mqttd serve --log-level ")).toEqual(["error", "warn", "info", "debug"]);
  // Bash keeps what stands before the = itself.
  expect(await bashOffers("mqttd serve --log-level=w")).toEqual(["warn"]);
  expect(await bashOffers("mqttd serve --set limits.packetS")).toEqual(["limits.packetSize="]);
  expect(await bashOffers("mqttd serve --set log.level=d")).toEqual(["debug"]);
  expect(await bashOffers("mqttd serve --set=log.level=d")).toEqual(["debug"]);
  expect(await bashOffers("mqttd serve --config lab")).toEqual(["laboratory.json"]);
  expect(await bashOffers("mqttd certs b")).toEqual(["bin"]);
  expect(await bashOffers("./bin/mqttd inspect wil")).toEqual(["wills"]);
  expect(await bashOffers("no/such/mqttd inspect wil")).toEqual(["wills"]);
});

const setUps: Record<ShellName, string> = {
  bash: "source <(mqttd completions bash)",
  zsh: "autoload -U compinit && compinit -D -u; source <(mqttd completions zsh)",
};

for (const shell of ["bash", "zsh"] as const) {
  test.skipIf(!installed(shell))(`${shell}: Tab on a terminal`, async () => {
    await using terminal = await InteractiveShell.start(shell, folder.path, env());
    expect((await terminal.run(setUps[shell])).code).toBe(0);
    for (const [typed, printed] of [
      // A space follows a whole word, and none the = of a key.
      ["mqttd rul\tv4-3.1.2-24\t--js\t| cut -c 1-20", '{"id":"v4-3.1.2-24",'],
      ["mqttd serve --set limits.packetSi\t1KiB --test-con\t", "ok: "],
      ["mqttd serve --log-level=deb\t --config labora\t --test-con\t", "ok: laboratory.json"],
      ["mqttd serve --config=labora\t --test-con\t", "ok: laboratory.json"],
    ] as const) {
      const { code, output } = await terminal.run(typed);
      expect(output).toContain(printed);
      expect(code).toBe(0);
    }
  });
}

test.skipIf(!installed("fish"))("fish: what it offers", async () => {
  const offers = async (line: string): Promise<string[]> => {
    const script = "mqttd completions fish | source; complete -C $argv[1]";
    const lines = await ran(["fish", "--no-config", "-c", script, line]);
    return lines.map((one) => one.split("\t")[0] ?? "");
  };
  expect(await offers("mqttd simulate-drop half")).toEqual(["half-open"]);
  expect(await offers("mqttd serve --log-level=w")).toEqual(["--log-level=warn"]);
  expect(await offers("mqttd serve --set limits.packetS")).toEqual(["limits.packetSize="]);
  expect(await offers("mqttd serve --config lab")).toEqual(["laboratory.json"]);
  expect(await offers("mqttd serve --config=lab")).toEqual(["--config=laboratory.json"]);
  expect(await offers("mqttd certs b")).toEqual(["bin/"]);
  expect(await offers("mqttd pub -D publish c")).toEqual(["content-type", "correlation-data"]);
  expect(await offers("mqttd help codes 0x8B")).toEqual(["0x8B"]);
  expect(await offers("mqttd m")).toEqual(["man"]);
});

test("client ids are those of the running broker, if a shell reads them as they are", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  for (const clientId of ["dev-42", "a b; rm", "sensor:7"]) {
    await Bun.connect({
      hostname: "127.0.0.1",
      port: broker.port,
      socket: { data() {} },
    }).then((socket) => socket.write(connectBytes({ version: 4, clientId, keepAlive: 60 })));
    await broker.line(clientId, ({ client }) => client === clientId);
  }
  await using child = spawn([executable(), "complete", "--", "inspect", "explain", ""], {
    cwd: broker.folder.path,
    env: environment(broker.folder),
  });
  expect((await child.stdout.text()).trim().split("\n").sort()).toEqual([
    "dev-42",
    "sensor:7",
    "words",
  ]);
});
