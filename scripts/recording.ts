/** Writes the recording of README.md: see `help`. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { reservedPort } from "../tests/support/reserved-port.ts";
import { root } from "./command.ts";
import { draw, type PaneLayout } from "./recording/drawing.ts";
import type { Frame } from "./recording/film.ts";
import { boundMs, Pane } from "./recording/pane.ts";
import { flagsOf, runScript } from "./usage.ts";

const help = `npm run recording -- [options]

Types the commands of a short story into three shells, in which dist/mqttd (or MQTTD_EXECUTABLE) runs,
and writes what their terminals show as an animated SVG. Ports 1883, 1884 and 1888 have to be free.
Takes a minute and a half.

  --out FILE    default docs/recording.svg
  --free-ports  take free ports, which the commands then name
  --no-wait     leave out simulate-drop's long wait for a deadline, as its command then says: a minute less

Exit codes: 0 written, 2 wrong usage.`;

const columns = 80;
const panes: readonly PaneLayout[] = [
  { title: "the broker", rows: 7 },
  { title: "a device", rows: 5 },
  { title: "you", rows: 21 },
];

/** Longer pauses of the programs are cut to this. */
const longestMs = 3200;
/** Of the film, from one frame to the next. */
const frameMs = 100;

async function main(): Promise<number> {
  const values = flagsOf({
    out: { type: "string", default: path.join(root, "docs/recording.svg") },
    "free-ports": { type: "boolean", default: false },
    "no-wait": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const frames = await film({
    ports: values["free-ports"] ? freePorts() : null,
    waits: !values["no-wait"],
  });
  const title =
    "Three terminals. A device with a keepalive of 2 s hangs; 3.00 s after its last packet the broker " +
    "ends its connection and publishes its will, and mqttd inspect explain says why. Then mqttd " +
    "simulate-drop shows that another broker never publishes the will of a silent client.";
  const svg = draw({ columns, panes, frames, lastMs: 6000, title });
  await Bun.write(values.out, svg);
  console.log(
    `${path.relative(process.cwd(), values.out)}: ${frames.length} frames, ${svg.length} bytes`,
  );
  return 0;
}

interface Story {
  /** Null: mqttd's own. */
  readonly ports: Ports | null;
  readonly waits: boolean;
}

interface Ports {
  readonly broker: number;
  readonly admin: number;
  readonly other: number;
}

function freePorts(): Ports {
  return { broker: reservedPort(), admin: reservedPort(), other: reservedPort() };
}

async function film(story: Story): Promise<Frame[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-recording-"));
  mkdirSync(path.join(folder, "bin"));
  const executable = process.env["MQTTD_EXECUTABLE"] ?? path.join(root, "dist/mqttd");
  symlinkSync(path.resolve(executable), path.join(folder, "bin/mqttd"));
  const env = {
    PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`,
    HOME: folder,
    MQTTD_RUN_DIR: path.join(folder, "run"),
  };
  try {
    await using camera = new Camera(folder, env);
    await play(camera, story);
    return camera.frames;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Films all panes, and shortens the time in which nothing is to be seen. */
class Camera implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly panes: readonly Pane[];
  /** How much faster the film is than what it shows. */
  speed = 1;
  #timer: Timer | null = null;
  #realMs = performance.now();
  #filmMs = 0;

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.panes = panes.map(
      ({ rows }) => new Pane({ columns, rows }, folder, env, () => this.#soon()),
    );
  }

  pane(title: string): Pane {
    const pane = this.panes[panes.findIndex((one) => one.title === title)];
    if (pane === undefined) throw new Error(`no pane ${title}`);
    return pane;
  }

  /** Leaves time to read. */
  hold(ms: number): void {
    this.#take();
    this.#filmMs += ms;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#take(), frameMs * this.speed);
  }

  #take(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const now = performance.now();
    this.#filmMs += Math.min(longestMs, now - this.#realMs) / this.speed;
    this.#realMs = now;
    this.frames.push({
      atMs: Math.round(this.#filmMs),
      pictures: this.panes.map((pane) => pane.lines()),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const pane of this.panes) await pane[Symbol.asyncDispose]();
  }
}

/** The story. */
async function play(camera: Camera, { ports, waits }: Story): Promise<void> {
  const [broker, device, you] = [
    camera.pane("the broker"),
    camera.pane("a device"),
    camera.pane("you"),
  ];
  const port = ports === null ? "" : ` -p ${ports.broker}`;
  const served = ports === null ? "" : ` --port ${ports.broker} --set admin.port=${ports.admin}`;
  const other = ports?.other ?? 1884;
  for (const pane of camera.panes) await pane.until(/^\$ $/);

  await broker.type(`mqttd serve${served}`);
  await broker.until(/mqttd is listening on mqtt:/);
  await you.type(`mqttd sub${port} -i you -t 'home/#' -v -C 1`);
  await broker.until(/ as you /);
  await device.type(
    `mqttd sub${port} -i dev-42 -k 2 -t cmd --will-topic home/dev-42/status --will-payload offline`,
  );
  await broker.until(/ as dev-42 /);
  // It sends a PINGREQ.
  await Bun.sleep(2500);
  // The device hangs: its socket stays open, without FIN or RST.
  device.press("\u001A");
  await device.until(/Stopped/);
  await you.until(/\nhome\/dev-42\/status offline\n/);
  await broker.until(/exceeded timeout/);
  camera.hold(3000);
  you.press("\u000C");
  await you.type("mqttd inspect explain dev-42");
  await you.promptAgain();
  camera.hold(6000);

  device.press("\u000C");
  await device.type(`mqttd serve --port ${other} --like rumqttd-0.19 --quiet`);
  await listening(other);
  you.press("\u000C");
  await you.type(
    `mqttd simulate-drop rst half-open listening -p ${other}${waits ? "" : " --no-wait"}`,
  );
  await you.until(/ done/);
  camera.hold(1500);
  camera.speed = waits ? 24 : 4;
  await you.promptAgain();
  camera.speed = 1;
  camera.hold(0);
}

/** Resolves once a server accepts connections there. A broker without a log says nothing itself. */
async function listening(port: number): Promise<void> {
  const until = performance.now() + boundMs;
  for (;;) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.terminate();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await Bun.sleep(50);
    }
  }
}

await runScript(main);
