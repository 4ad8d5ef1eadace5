import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { sha256Of } from "../../../scripts/release/checksums.ts";
import { spawn, spawnSync } from "../../support/child.ts";
import { Folder } from "../../support/executable.ts";

// Replays a Dockerfile without Docker: its stages become folders, and chroot runs its commands.

/** What a base image with glibc has, and the commands of the Dockerfile use. */
const basePrograms = ["sh", "bash", "tar", "gzip", "chown", "mkdir"];
const tools = ["unshare", "nsenter", "chroot", "mount", "ip", "ldd"];

/** Why an image can't be run here; null: it can. */
export function whyNoImage(): string | null {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const missing = [...tools, ...basePrograms].filter((name) => Bun.which(name) === null);
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  const tried = spawnSync(["unshare", "--mount", "--net", "true"]);
  return tried.exitCode === 0 ? null : "no namespaces";
}

interface Stage {
  readonly root: string;
  folder: string;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  healthCheck: readonly string[];
}

/** The last stage of a Dockerfile. */
export class Image implements Disposable {
  readonly #folder = new Folder();
  readonly #stages = new Map<string, Stage>();
  readonly #program: string;
  #last: Stage | null = null;

  /** `program`: of whose libraries the base image needs a copy. */
  constructor(dockerfile: string, program: string, args: Readonly<Record<string, string>>) {
    this.#program = program;
    const lines = dockerfile.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    for (const line of lines) {
      const [, instruction = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
      this.#follow(
        instruction,
        rest.replace(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? ""),
      );
    }
  }

  /** Starts it as `docker run` does, in a network of its own. */
  run() {
    const { entrypoint, command } = this.#stage();
    const inside = this.#inside([...entrypoint, ...command]);
    const script = 'ip link set lo up && mount -t proc proc "$0/proc" && exec "$@"';
    return spawn(
      ["unshare", "--mount", "--net", "sh", "-c", script, this.#stage().root, ...inside],
      { stderr: "pipe", env: { PATH: process.env["PATH"] } },
    );
  }

  /** Runs a command in it while it runs, as `docker exec` does. Returns the exit code and output. */
  exec(pid: number, command: readonly string[] = this.#stage().healthCheck) {
    const enter = ["nsenter", "--target", String(pid), "--net", "--mount"];
    const { exitCode, stdout, stderr } = spawnSync([...enter, ...this.#inside(command)]);
    return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  #stage(): Stage {
    if (this.#last === null) throw new Error("the Dockerfile has no stage");
    return this.#last;
  }

  #inside(command: readonly string[]): string[] {
    const { root, folder, user } = this.#stage();
    const script = 'cd "$0" && exec "$@"';
    return ["chroot", `--userspec=${user}`, root, "/bin/sh", "-c", script, folder, ...command];
  }

  #follow(instruction: string, rest: string): void {
    if (instruction === "ARG") return;
    if (instruction === "FROM") return this.#begin(rest);
    const stage = this.#stage();
    const words = rest.split(" ");
    const at = (file: string): string => path.join(stage.root, stage.folder, file);
    switch (instruction) {
      case "ADD":
        return this.#add(words, at);
      case "RUN": {
        const { exitCode, stderr } = spawnSync(this.#inside(["/bin/sh", "-c", rest]));
        if (exitCode !== 0) throw new Error(`RUN ${rest}: ${stderr.toString()}`);
        return;
      }
      case "COPY":
        return this.#copy(words, at);
      case "WORKDIR":
        stage.folder = rest;
        mkdirSync(path.join(stage.root, rest), { recursive: true });
        return;
      case "USER":
        stage.user = rest;
        return;
      case "ENTRYPOINT":
        stage.entrypoint = JSON.parse(rest) as string[];
        return;
      case "CMD":
        stage.command = JSON.parse(rest) as string[];
        return;
      case "HEALTHCHECK":
        stage.healthCheck = JSON.parse(rest.slice(rest.indexOf("CMD ") + 4)) as string[];
        return;
      case "EXPOSE":
      case "VOLUME":
        return;
      default:
        throw new Error(`the Dockerfile has ${instruction}`);
    }
  }

  #begin(rest: string): void {
    const [, from = "", name = ""] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
    const root = this.#folder.file(`stage-${this.#stages.size}-${crypto.randomUUID()}`);
    const before = this.#stages.get(from);
    if (before === undefined) this.#makeBase(from, root);
    else cpSync(before.root, root, { recursive: true });
    const nothing = { entrypoint: [], command: [], healthCheck: [] };
    this.#last = { root, folder: "/", user: "0:0", ...nothing };
    this.#stages.set(name, this.#last);
  }

  #makeBase(from: string, root: string): void {
    if (!from.startsWith("debian:")) throw new Error(`the base image is ${from}`);
    for (const folder of ["proc", "tmp", "bin"]) {
      mkdirSync(path.join(root, folder), { recursive: true, mode: 0o777 });
    }
    chmodSync(path.join(root, "tmp"), 0o777);
    const place = (file: string, to: string): void => {
      mkdirSync(path.dirname(path.join(root, to)), { recursive: true });
      copyFileSync(file, path.join(root, to));
    };
    const programs = basePrograms.map((name) => ({ name, file: Bun.which(name) ?? "" }));
    for (const { name, file } of programs) place(file, `bin/${name}`);
    for (const file of [...programs.map(({ file }) => file), this.#program]) {
      const needed = spawnSync(["ldd", file]).stdout.toString();
      for (const [library] of needed.matchAll(/\/\S+\.so\S*/g)) place(library, library);
    }
  }

  #add([checksum = "", url = "", to = ""]: readonly string[], at: (file: string) => string): void {
    const file = new URL(url).pathname;
    if (checksum !== `--checksum=sha256:${sha256Of(file)}`) {
      throw new Error(`${url} has another checksum than ${checksum}`);
    }
    copyFileSync(file, at(to));
  }

  #copy(words: readonly string[], at: (file: string) => string): void {
    const stage = this.#stages.get(/^--from=(.*)$/.exec(words[0] ?? "")?.[1] ?? "");
    const to = words.at(-1) ?? "";
    for (const file of words.slice(1, -1)) {
      if (stage === undefined) throw new Error(`COPY ${words.join(" ")}`);
      const target = to.endsWith("/") ? path.join(to, path.basename(file)) : to;
      mkdirSync(path.dirname(at(target)), { recursive: true });
      rmSync(at(target), { force: true });
      copyFileSync(path.join(stage.root, file), at(target));
    }
  }
}
