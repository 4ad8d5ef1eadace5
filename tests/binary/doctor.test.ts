import { expect, test } from "bun:test";
import { width } from "../../src/log/columns.ts";
import { spawn } from "../support/child.ts";
import { environment, executable, Folder, run, RunningBroker } from "../support/executable.ts";

interface Line {
  readonly subject?: string;
  readonly status?: string;
  readonly text?: string;
  readonly remedy?: string | null;
  readonly summary?: Readonly<Record<string, number>>;
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line); // Read as such below.
}

/** A configuration that opens this port and no other. */
function configured(port: number): Readonly<Record<string, string>> {
  const listeners = [{ port }];
  return { "mqttd.json": JSON.stringify({ listeners, admin: { port: "off" } }) };
}

test("a port that another program holds is bad, and exit code 1", async () => {
  // Accepts and says nothing: the question what it speaks has to end.
  using mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  using folder = new Folder(configured(mute.port));
  const { code, stdout, stderr } = await run(folder, ["doctor", "--json"]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  const lines = linesOf(stdout);
  const port = lines.find(({ text }) => text?.includes(`port ${mute.port} `));
  expect(port).toMatchObject({ subject: "ports", status: "bad" });
  if (process.platform === "linux") {
    expect(port?.text).toContain(`(pid ${process.pid})`);
    expect(port?.remedy).toContain(`kill ${process.pid}`);
  }
  expect(lines.at(-1)?.summary?.["bad"]).toBe(1);
  // Nothing is left behind.
  expect(folder.names()).toEqual(["mqttd.json"]);
});

test("a free port, and a configuration that is invalid or unsafe", async () => {
  using free = new Folder(configured(1));
  const good = await run(free, ["doctor", "--json"]);
  expect(linesOf(good.stdout)).toContainEqual(
    expect.objectContaining({ text: "configuration: valid (mqttd.json)", status: "ok" }),
  );
  using wrong = new Folder({ "mqttd.json": '{ "limits": { "retian": true }, "lgo": {} }' });
  const { code, stdout } = await run(wrong, ["doctor"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^bad +configuration: mqttd\.json:1:15 limits\.retian: unknown key/m);
  expect(stdout).toMatch(/^bad +configuration: mqttd\.json:1:33 lgo: unknown key/m);
});

test("a running mqttd is found, and is no obstacle", async () => {
  await using broker = await RunningBroker.start({ args: ["--set", "admin.port=0"] });
  broker.folder.write("mqttd.json", JSON.stringify({ listeners: [{ port: broker.port }] }));
  await using child = spawn([executable(), "doctor", "--json"], {
    cwd: broker.folder.path,
    env: environment(broker.folder),
  });
  const lines = linesOf(await child.stdout.text());
  expect(lines).toContainEqual(
    expect.objectContaining({
      subject: "ports",
      status: "ok",
      text: expect.stringContaining(`port ${broker.port} (tcp) is open: mqttd `),
    }),
  );
  expect(lines.filter(({ subject }) => subject === "brokers")[0]?.text).toContain(
    `(pid ${broker.pid})`,
  );
  broker.folder.remove("mqttd.json");
});

for (const columns of [40, 80]) {
  test(`on a terminal of ${columns} columns no line is wider`, async () => {
    using folder = new Folder();
    let output = "";
    const decoder = new TextDecoder();
    const closed = Promise.withResolvers<void>();
    await using child = spawn([executable(), "doctor", "--color", "never"], {
      cwd: folder.path,
      env: { ...environment(folder), TERM: "xterm" },
      terminal: {
        cols: columns,
        rows: 24,
        data: (_, bytes) => {
          output += decoder.decode(bytes, { stream: true });
        },
        exit: () => closed.resolve(),
      },
    });
    await child.exited;
    await closed.promise;
    const lines = output.replaceAll("\r", "").trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ warn, \d+ bad/);
    for (const line of lines) {
      if (line.trim().includes(" ")) expect(width(line), line).toBeLessThanOrEqual(columns);
    }
  });
}
