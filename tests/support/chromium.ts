import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { spawn } from "./child.ts";
import { eventually } from "./inbox.ts";

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

  /** Opens a page and resolves once it is loaded, with the protocol of its developer tools. */
  async page(url: string): Promise<Page> {
    const id = await this.open(url);
    const page = await Page.of(`${this.#devtools.replace("http:", "ws:")}/devtools/page/${id}`);
    await page.loaded();
    return page;
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

/** A tab under the eyes of its developer tools. */
export class Page implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  static async of(url: string): Promise<Page> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => {
        reject(new Error("chromium refuses its developer tools"));
      });
    });
    return new Page(socket);
  }

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as Answer;
      const waiting = this.#waiting.get(id ?? 0);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    });
    socket.addEventListener("close", () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error("the tab is gone"));
    });
  }

  /** A command of the protocol; rejects if the browser refuses it. */
  async send(method: string, params: object = {}): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    const id = ++this.#last;
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return waiting.promise.finally(() => this.#waiting.delete(id));
  }

  /** The value of an expression, which may be a promise. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = (await this.send(
      "Runtime.evaluate",
      options,
    )) as Evaluated;
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value as Value;
  }

  /** Asks the page itself: it may have loaded before anybody could listen. */
  async loaded(): Promise<void> {
    const isLoaded = 'document.readyState === "complete" && location.href !== "about:blank"';
    await eventually(
      // A navigation takes the expression's page away.
      async () => this.evaluate<boolean>(isLoaded).catch(() => false),
      () => "the page does not load",
      boundMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: object;
}
