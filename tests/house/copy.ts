import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { spawn } from "../support/child.ts";

const root = path.resolve(import.meta.dir, "../..");
const bin = path.join(root, "node_modules/.bin");

/** A copy of part of the project in its own folder, where a test can plant files. */
export class Copy {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies `folders` of the project and the configurations of compiler and linter. */
  static async of(...folders: string[]): Promise<Copy> {
    const copy = new Copy(await mkdtemp(path.join(os.tmpdir(), "mqttd-house-")));
    for (const name of ["tsconfig.json", ".oxlintrc.json", ...folders]) {
      await cp(path.join(root, name), path.join(copy.folder, name), { recursive: true });
    }
    return copy;
  }

  async plant(file: string, source: string): Promise<void> {
    await mkdir(path.dirname(path.join(this.folder, file)), { recursive: true });
    await writeFile(path.join(this.folder, file), source);
  }

  /** The linter's messages by file path; throws when it did not run. */
  async lint(): Promise<Map<string, string[]>> {
    const output = await this.#run(path.join(bin, "oxlint"), "--format", "json");
    const report: unknown = JSON.parse(output);
    const found = new Map<string, string[]>();
    for (const { filename, code, message } of diagnosticsOf(report)) {
      add(found, filename, `${code}: ${message}`);
    }
    return found;
  }

  /** The type checker's messages for each file of `project`, by path. */
  async typeCheck(project: string): Promise<Map<string, string[]>> {
    const options = ["check", "--no-script", "--no-pretty", "--all", "-p", project];
    const output = await this.#run(process.execPath, ...options);
    if (!/Found \d+ errors?|No type errors/.test(output)) throw new Error(output);
    const found = new Map<string, string[]>();
    for (const [, file = "", message = ""] of output.matchAll(
      /^(\S+?)\(\d+,\d+\): (error .*)$/gm,
    )) {
      add(found, file, message);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #run(...command: string[]): Promise<string> {
    await using child = spawn(command, {
      cwd: this.folder,
      // No node_modules above the copy, so the linter needs the path of its type-aware part.
      env: { ...process.env, OXLINT_TSGOLINT_PATH: path.join(bin, "tsgolint") },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    return out + err;
  }
}

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
  readonly message: string;
}

function diagnosticsOf(report: unknown): Diagnostic[] {
  if (typeof report === "object" && report !== null && "diagnostics" in report) {
    // The linter's own JSON; if its shape changes, the tests that read it fail.
    return report.diagnostics as Diagnostic[];
  }
  throw new Error(`not a report of the linter: ${JSON.stringify(report)}`);
}

function add(found: Map<string, string[]>, file: string, message: string): void {
  const messages = found.get(file);
  if (messages === undefined) found.set(file, [message]);
  else messages.push(message);
}
