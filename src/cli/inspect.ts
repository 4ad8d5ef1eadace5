import pc from "picocolors";
import type { Answers, ReloadAnswer } from "../admin/api.ts";
import { CliError, usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { millisecondsOf } from "../config/quantity.ts";
import { BrokerClient } from "../inspect/broker-client.ts";
import { explain, explanationText } from "../inspect/explain.ts";
import { packetTree, packetTreeText } from "../inspect/packet.ts";
import { clientLines, clientsLines, fitted, overviewLines, willsLines } from "../inspect/views.ts";
import { levels } from "../log/events.ts";
import { jsonLine } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import { usesColor } from "./color.ts";
import { type CliCommand, declare, type Surroundings } from "./command.ts";
import { exitCodes, table } from "./help.ts";

/** What can be asked, with the number of words that follow. */
const verbs = {
  "": [0, "version, clients, wills that wait, the latest ends of connections"],
  clients: [0, "who is connected, and whose session waits"],
  "client ID": [1, "one client: keepalive with its deadline, pings, will, events"],
  wills: [0, "each will and its fate; --client, --topic, --which, --wait, --expect"],
  "explain ID": [1, "why the will of a client did fire, or did not, and what to change"],
  "packet HEX": [1, "MQTT packets as a tree, with every violation by its statement"],
  "kick ID": [1, "close a client's connection"],
  "drop ID": [1, "break it as the network would; --how rst or silent"],
  reload: [0, "read the configuration again"],
  "log LEVEL": [1, "say more or less: error, warn, info, debug"],
} as const;

/** `mqttd inspect`: what a running broker knows. */
export function inspectCommand(): CliCommand {
  return {
    command: declare("inspect", "ask a running broker: why did this will (not) fire?")
      .usage("inspect [VERB] [FLAGS]")
      .option(
        "--admin <URL>",
        "port or URL of the administration (default: the broker that runs here)",
      )
      .option("--token-file <FILE>", "file with the token, where the broker needs one")
      .option("--timeout <TIME>", "how long an answer may take (default 5s)")
      .option("--client <ID>", "wills: of this client only")
      .option("--topic <TOPIC>", "wills: on this topic only")
      .option("--which <KIND>", "wills: pending, fired or notFired")
      .option("--wait <TIME>", "wills: wait until the newest has met its fate")
      .option("--expect <FATE>", "wills: published, discarded or cancelled; else exit code 1")
      .option("--how <HOW>", "drop: rst or silent (default rst)")
      .option("--json", "the broker's answer as it is")
      .option("--color <WHEN>", "auto, always or never (default auto)")
      .option("-h, --help", "show this help")
      .example("mqttd inspect")
      .example("mqttd inspect explain dev-42")
      .example("mqttd inspect packet c000")
      .example("mqttd inspect wills --client dev-42 --wait 5s --expect published"),
    rules: { positionals: 2 },
    help: {
      about: "Asks a running broker on this machine, or the one that --admin names.",
      sections: [
        {
          title: "Verbs",
          lines: table(Object.entries(verbs).map(([verb, [, text]]) => [verb, text])),
        },
        exitCodes(["0", "1", "2", "3", "4", "5", "70"], { "1": "the will's fate was another one" }),
      ],
    },
    run: runInspect,
  };
}

async function runInspect(given: Arguments, surroundings: Surroundings): Promise<number> {
  const { verb, word } = verbOf(given.positionals);
  const { env } = surroundings;
  if (verb === "packet") return packet(word, given, surroundings);
  const client = new BrokerClient({
    admin: given.text("admin"),
    tokenFile: given.text("token-file"),
    timeoutMs: timeOf(given, "timeout") ?? 5000,
    env,
  });
  const screen = surroundings.screen("stdout");
  const columns = screen?.columns ?? 80;
  const colors = pc.createColors(usesColor(colorOf(given), env, screen !== null));
  const show = (answer: object, text: () => string): number => {
    surroundings.print(given.has("json") ? `${jsonLine(answer)}\n` : text());
    return 0;
  };
  const id = `/v1/clients/${encodeURIComponent(word)}`;
  switch (verb) {
    case "": {
      const answer = await client.ask<Answers["overview"]>("/v1/overview");
      return show(answer, () => fitted(overviewLines(answer), columns));
    }
    case "clients": {
      const { now } = await client.ask<Answers["overview"]>("/v1/overview");
      const answer = await client.ask<Answers["clients"]>("/v1/clients");
      return show(answer, () => fitted(clientsLines(now, answer.clients), columns));
    }
    case "client": {
      const answer = await client.ask<Answers["client"]>(id);
      return show(answer, () => fitted(clientLines(answer), columns));
    }
    case "explain": {
      const answer = await client.ask<Answers["client"]>(id);
      const explanation = explain(answer);
      return show(explanation, () => explanationText(explanation, { columns, colors }));
    }
    case "wills":
      return wills(client, given, show, columns);
    case "kick": {
      const answer = await client.ask<{ wasConnected: boolean }>(id, { method: "DELETE" });
      return show(answer, () => (answer.wasConnected ? "closed\n" : "it was not connected\n"));
    }
    case "drop": {
      const how = given.text("how") ?? "rst";
      const answer = await client.ask<{ wasConnected: boolean; hint: string | null }>(
        `${id}/drop`,
        {
          method: "POST",
          body: { how },
        },
      );
      const text = answer.wasConnected ? `dropped (${how})` : "it was not connected";
      return show(answer, () => `${text}${answer.hint === null ? "" : `: ${answer.hint}`}\n`);
    }
    case "reload": {
      const answer = await client.ask<ReloadAnswer>("/v1/reload", { method: "POST" });
      if (!answer.ok) throw usageError(answer.problems.join("\n"), "nothing was changed");
      return show(answer, () => `reloaded: ${answer.changed.join(", ") || "no changes"}\n`);
    }
    default: {
      if (!levels.some((level) => level === word)) {
        throw usageError(`log: found ${quoted(word)}, allowed: ${levels.join(", ")}`);
      }
      const answer = await client.ask<{ level: string }>("/v1/log", {
        method: "PUT",
        body: { level: word },
      });
      return show(answer, () => `log level ${answer.level}\n`);
    }
  }
}

/** Decodes hexadecimal bytes; needs no broker. */
function packet(text: string, given: Arguments, surroundings: Surroundings): number {
  const digits = text.replace(/0x|\\x|[\s:,]/gi, "");
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    throw usageError(`packet: found ${quoted(text)}, allowed: bytes in hexadecimal, as in "c0 00"`);
  }
  const screen = surroundings.screen("stdout");
  const colors = pc.createColors(usesColor(colorOf(given), surroundings.env, screen !== null));
  const trees = packetTree(Uint8Array.from(Buffer.from(digits, "hex")), { protocol: "auto" });
  surroundings.print(
    given.has("json")
      ? `${jsonLine(trees)}\n`
      : packetTreeText(trees, { columns: screen?.columns ?? 80, colors }),
  );
  return 0;
}

async function wills(
  client: BrokerClient,
  given: Arguments,
  show: (answer: object, text: () => string) => number,
  columns: number,
): Promise<number> {
  const waitMs = timeOf(given, "wait");
  const expected = given.text("expect");
  if (expected !== null && !["published", "discarded", "cancelled"].includes(expected)) {
    throw usageError(
      `--expect: found ${quoted(expected)}, allowed: published, discarded or cancelled`,
    );
  }
  const asked = new URLSearchParams();
  for (const flag of ["client", "topic", "which", "wait"]) {
    const value = given.text(flag);
    if (value !== null) asked.set(flag, value);
  }
  const answer = await client.ask<Answers["wills"]>(`/v1/wills?${asked.toString()}`, {
    waitMs: waitMs ?? 0,
  });
  show(answer, () => fitted(willsLines(answer), columns));
  if (answer.decided === false) {
    throw new CliError("no fate is known yet: the time is over", { exitCode: 5 });
  }
  const fate = answer.wills[0]?.fate?.fate ?? null;
  if (expected === null || fate === expected) return 0;
  throw new CliError(
    `expected a will that was ${expected}, the newest ${fate ?? "has no fate yet"}`,
    {
      exitCode: 1,
    },
  );
}

function verbOf(positionals: readonly string[]): { verb: string; word: string } {
  const [verb = "", word = ""] = positionals;
  const known = Object.entries(verbs).map(([text, [words]]) => ({
    name: text.split(" ")[0] ?? "",
    words,
    text,
  }));
  const found = known.find(({ name }) => name === verb);
  if (found === undefined) {
    const meant = nearest(
      verb,
      known.map(({ name }) => name),
    );
    const hint =
      meant === null || meant === "" ? "see mqttd inspect --help" : `did you mean ${meant}?`;
    throw usageError(`inspect: unknown verb ${quoted(verb)}`, hint);
  }
  if (found.words === 1 && word === "")
    throw usageError(`inspect ${found.text}: the second word is missing`);
  if (found.words === 0 && word !== "")
    throw usageError(`inspect ${verb}: unexpected argument ${quoted(word)}`);
  return { verb, word };
}

function timeOf(given: Arguments, flag: string): number | null {
  const text = given.text(flag);
  if (text === null) return null;
  const found = millisecondsOf(text);
  if (found === null)
    throw usageError(`--${flag}: found ${quoted(text)}, allowed: a time such as 5s`);
  return found;
}

function colorOf(given: Arguments): "auto" | "always" | "never" {
  const when = given.text("color") ?? "auto";
  if (when === "auto" || when === "always" || when === "never") return when;
  throw usageError(`--color: found ${quoted(when)}, allowed: auto, always or never`);
}
