import { expect } from "bun:test";
import type { Surroundings } from "../../src/cli/command.ts";
import { beginningBytes, fileMax } from "../../src/config/file.ts";
import { CliError } from "../../src/config/cli-error.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { Typed } from "../../src/cli/prompt.ts";
import type { BenchRequest } from "../../src/cli/bench-request.ts";
import type { DropRequest } from "../../src/cli/drop-request.ts";
import type { PubRequest, RrRequest, SubRequest } from "../../src/talk/request.ts";
import type { ServeSettings } from "../../src/server/serve.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The options with which the stand-in for the broker was started. */
  readonly served: readonly ServeSettings[];
  /** The request that the stand-in for the player of drops got. */
  readonly dropped: readonly DropRequest[];
  /** The request that the stand-in for the bench got. */
  readonly measured: readonly BenchRequest[];
  /** The requests that the stand-ins for the clients got. */
  readonly published: readonly PubRequest[];
  readonly subscribed: readonly SubRequest[];
  readonly requested: readonly RrRequest[];
}

/**
 * Command lines that are refused, each with the one line that it gets: exit code 2, nothing printed,
 * nothing started.
 */
export async function refusals(
  wrong: readonly (readonly string[])[],
  { command = [], env = {} }: { command?: readonly string[]; env?: Surroundings["env"] } = {},
): Promise<string> {
  const lines: string[] = [];
  for (const args of wrong) {
    const { stderr, ...outcome } = await mqttd([...command, ...args], { env });
    expect({ args, ...outcome }).toEqual({ args, ...refused });
    expect(stderr).toMatch(/^mqttd: \P{C}+\n$/u);
    lines.push(`${JSON.stringify(args.join(" "))}\n  ${stderr}`);
  }
  return `\n${lines.join("")}`;
}

const refused = {
  ...{ code: 2, stdout: "", served: [], dropped: [], measured: [] },
  ...{ published: [], subscribed: [], requested: [] },
};

/** Runs the program without a process; a stand-in for the broker ends at once with 0. */
export async function mqttd(
  args: readonly string[],
  given: {
    readonly env?: Surroundings["env"];
    readonly files?: Readonly<Record<string, string>>;
    /** Replaces `files`. */
    readonly readFile?: Surroundings["readFile"];
    readonly terminal?: boolean;
    /** The width of the terminal on both streams; absent: no terminal. */
    readonly columns?: number;
    /** Standard input. */
    readonly input?: string;
    /** What a person types, one answer after the other; absent: no terminal. */
    readonly typed?: readonly Typed[];
    /** Replaces the stand-in that ends at once with 0. */
    readonly loadDrop?: Surroundings["loadDrop"];
  } = {},
): Promise<Outcome> {
  const served: ServeSettings[] = [];
  const dropped: DropRequest[] = [];
  const measured: BenchRequest[] = [];
  const published: PubRequest[] = [];
  const subscribed: SubRequest[] = [];
  const requested: RrRequest[] = [];
  const asked = { served, dropped, measured, published, subscribed, requested };
  let stdout = "";
  let stderr = "";
  const answers = [...(given.typed ?? [])];
  const surroundings: Surroundings = {
    env: given.env ?? {},
    stderrIsTerminal: given.terminal ?? false,
    readFile: (name, waitMs) => {
      if (given.readFile !== undefined) return given.readFile(name, waitMs);
      const text = given.files?.[name];
      if (text === undefined) return { type: "missing" };
      const bytes = new TextEncoder().encode(text);
      if (bytes.length <= fileMax) return { type: "read", bytes };
      return { type: "too large", beginning: bytes.subarray(0, beginningBytes) };
    },
    askLine:
      given.typed === undefined
        ? null
        : async (question) => {
            stderr += question;
            return answers.shift() ?? { type: "ended" };
          },
    askSecret:
      given.typed === undefined
        ? null
        : async (question) => {
            stderr += question;
            return answers.shift() ?? { type: "ended" };
          },
    version: { version: "1.2.3", commit: "abc1234" },
    print: (text) => {
      stdout += typeof text === "string" ? text : new TextDecoder().decode(text);
    },
    flushed: async () => true,
    stdin: async function* () {
      yield new TextEncoder().encode(given.input ?? "");
    },
    readInput: async () => ({ type: "read", bytes: new TextEncoder().encode(given.input ?? "") }),
    printError: (text) => {
      stderr += text;
    },
    screen: () => (given.columns === undefined ? null : { columns: given.columns, rows: 24 }),
    loadStoredBroker: async () => import("../../src/server/admin/stored-broker.ts"),
    loadServer: async () => ({
      serve: async (settings) => {
        served.push(settings);
        return 0;
      },
    }),
    loadDrop:
      given.loadDrop ??
      (async () => ({
        simulateDrop: async (request) => {
          dropped.push(request);
          return 0;
        },
      })),
    loadTalk: async () => ({
      publishMessages: async (request) => {
        published.push(request);
        return 0;
      },
      subscribeTo: async (request) => {
        subscribed.push(request);
        return 0;
      },
      requestResponse: async (request) => {
        requested.push(request);
        return 0;
      },
    }),
    loadBench: async () => ({
      runBench: async (request) => {
        measured.push(request);
        return 0;
      },
    }),
  };
  try {
    const code = await runProgram(args, surroundings);
    return { code, stdout, stderr, ...asked };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.exitCode, stdout, stderr: stderr + error.text, ...asked };
  }
}
