import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { spawn } from "./child.ts";

const program = Bun.which("chromium") ?? Bun.which("chromium-browser");

/** Why no browser is there; null: one is. */
export const chromiumMissing: string | null = program === null ? "chromium is not installed" : null;

/** How long it may take to start, and to open a page, on a busy machine. */
const boundMs = 20_000;

/** A browser without a window, in a folder of its own. */
export class Chromium implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "mqttd-chromium-"));
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  #devtools = "";

  /** `hosts`: rules of --host-resolver-rules, such as `MAP name 127.0.0.1`. */
  static async start(hosts: string): Promise<Chromium> {
    const browser = new Chromium(hosts);
    try {
      browser.#devtools = await browser.#listening();
      return browser;
    } catch (error) {
      await browser[Symbol.asyncDispose]();
      throw error;
    }
  }

  constructor(hosts: string) {
    // --no-sandbox: the sandbox does not start as root.
    const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"];
    const own = [`--user-data-dir=${this.#folder}`, "--remote-debugging-port=0"];
    this.#child = spawn([program ?? "", ...args, ...own, `--host-resolver-rules=${hosts}`], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
  }

  /** Opens a tab and returns its id. */
  async open(url: string): Promise<string> {
    const answer = await fetch(`${this.#devtools}/json/new?${url}`, { method: "PUT" });
    return String(((await answer.json()) as { id: unknown }).id);
  }

  /** Closes a tab, as a user does. */
  async close(tab: string): Promise<void> {
    await fetch(`${this.#devtools}/json/close/${tab}`);
  }

  /** The address of its developer tools, which it prints when it is ready. */
  async #listening(): Promise<string> {
    const bound = setTimeout(() => this.#child.kill("SIGKILL"), boundMs);
    let said = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.#child.stderr) {
        said += decoder.decode(chunk, { stream: true });
        const found = /DevTools listening on ws:\/\/([\d.]+:\d+)\//.exec(said);
        if (found !== null) return `http://${found[1]}`;
      }
    } finally {
      clearTimeout(bound);
    }
    throw new Error(`chromium did not start: ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    // Its own children may still write there for a moment.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}
