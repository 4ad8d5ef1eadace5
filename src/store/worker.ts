import { parentPort, workerData } from "node:worker_threads";
import { storeErrorOf } from "./faults.ts";
import { type OpenFile, StoreFile } from "./file.ts";
import type { Failure, FromThread, ToThread } from "./thread-messages.ts";

/**
 * The thread that has a store's file: no commit, sync, checkpoint or load holds the loop of the
 * broker. An entry point of the build.
 */

const port = parentPort;

function open(asked: OpenFile): void {
  const opened = attempt(() => {
    const file = StoreFile.open(asked);
    return { file, pastRuns: file.pastRuns(), warning: file.warning };
  });
  if ("failure" in opened) return tell({ to: "failed", failure: opened.failure });
  const { file, pastRuns, warning } = opened.value;
  const answerer = new Answerer(file);
  port?.on("message", (message: ToThread) => answerer.handle(message));
  tell({ to: "open", pastRuns, warning });
}

class Answerer {
  readonly #file: StoreFile;
  #heartbeatFailed = false;
  /** Rows of the next transaction. */
  #added: Uint8Array[] = [];
  #reading: Iterator<Uint8Array<ArrayBuffer>, void, void> | null = null;

  constructor(file: StoreFile) {
    this.#file = file;
  }

  handle(message: ToThread): void {
    switch (message.ask) {
      case "read":
        return answer(() => this.#read());
      case "add":
        return void this.#added.push(message.rows);
      case "commit":
        if (this.#commit([...this.#added.splice(0), message.rows])) this.#file.noteKept();
        return;
      case "commitAlone":
        return void this.#commit([message.rows]);
      case "heartbeat":
        return this.#heartbeat(message);
      case "facts":
        return answer(() => ({ to: "facts", facts: this.#file.facts() }));
      case "close":
        return answer(() => this.#close(message));
    }
  }

  #read(): FromThread {
    this.#reading ??= this.#file.read();
    const { done, value } = this.#reading.next();
    if (done !== true) return { to: "read", rows: value };
    this.#reading = null;
    return { to: "read", rows: null };
  }

  /** Returns whether it was kept. */
  #commit(buffers: readonly Uint8Array[]): boolean {
    const begin = performance.now();
    const done = attempt(() => this.#file.apply(...buffers));
    const failure = "failure" in done ? done.failure : null;
    if (failure !== null) this.#added = [];
    const isNoted = failure !== null && this.#file.noteBehind(failure.fault);
    tell({ to: "commit", failure, isNoted, tookMs: performance.now() - begin });
    return failure === null;
  }

  #heartbeat({ at, isBehind }: Extract<ToThread, { ask: "heartbeat" }>): void {
    const done = attempt(() => {
      this.#file.heartbeat(at, isBehind);
      this.#file.shrink();
    });
    const failure = "failure" in done ? done.failure : null;
    if (failure !== null || this.#heartbeatFailed) tell({ to: "heartbeat", failure });
    this.#heartbeatFailed = failure !== null;
  }

  #close({ at, isBehind }: Extract<ToThread, { ask: "close" }>): FromThread {
    try {
      this.#file.stop(at, isBehind);
    } finally {
      this.#file.close();
    }
    return { to: "close" };
  }
}

function answer(ask: () => FromThread): void {
  const answered = attempt(ask);
  tell("failure" in answered ? { to: "failed", failure: answered.failure } : answered.value);
}

function attempt<T>(action: () => T): { readonly value: T } | { readonly failure: Failure } {
  try {
    return { value: action() };
  } catch (cause) {
    const { fault, message } = storeErrorOf(cause);
    return { failure: { fault, detail: message } };
  }
}

/** A buffer of rows is handed over, not copied. */
function tell(message: FromThread): void {
  const rows = message.to === "read" ? message.rows : null;
  if (rows === null) port?.postMessage(message);
  else port?.postMessage(message, [rows.buffer]);
}

// Last, when the class is there.
if (port !== null) open(workerData as OpenFile);
