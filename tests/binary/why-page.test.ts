import { expect, test } from "bun:test";
import { codeSpansOf, fencesOf } from "../support/documents.ts";
import { Folder, run } from "../support/executable.ts";
import { Mosquitto, mosquittoAbsent } from "../support/mosquitto.ts";
import {
  allReplaced,
  anyShell,
  commandsOf,
  inTerminal,
  judges,
  missingOf,
  replaced,
  type Replacement,
  shellMissing,
  textOf,
} from "../support/pasted.ts";
import { eventually } from "../support/inbox.ts";

// Types the commands of the page into a shell, section by section, and compares what it promises.

const document = "docs/why-did-my-will-not-fire.md";
const page = textOf(document);

interface Block {
  readonly commands: string;
  /** What the page shows below; null: nothing. */
  readonly output: string | null;
}

interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

function sectionsOf(text: string): Section[] {
  return text.split(/^##? /m).flatMap((section) => {
    const [title = ""] = section.split("\n");
    const fences = fencesOf(section);
    const blocks = fences.flatMap(({ language, text: commands }, index) => {
      if (language !== "sh") return [];
      const next = fences[index + 1];
      return [{ commands, output: next?.language === "" ? next.text : null }];
    });
    return blocks.length === 0 ? [] : [{ title, blocks }];
  });
}

const sections = sectionsOf(page);

/** Longer waits than a test has, and times to wait for that a test need not guess. */
const replacements: readonly Replacement[] = [
  ["sleep 1", "until mqttd inspect client dev-42 > /dev/null 2>&1; do sleep 0.1; done"],
  ["half-open --keepalive 60", "half-open --keepalive 1 --wait 2s"],
  ["simulate-drop --all", "simulate-drop takeover"],
];

test("the page has ten causes, and each replacement is needed", () => {
  expect(sections.filter(({ title }) => /^\d+\. /.test(title))).toHaveLength(10);
  allReplaced(commandsOf(document), replacements);
});

const why = shellMissing === "" ? "" : ` (skipped: ${shellMissing})`;

for (const { title, blocks } of sections) {
  test.skipIf(why !== "").concurrent(
    `"${title}" shows what comes out${why}`,
    async () => {
      await inTerminal(anyShell, async (session) => {
        for (const { commands, output } of blocks) {
          const typed = replaced(commands.trimEnd(), session.ports, replacements);
          if (typed.startsWith("mqttd simulate-drop")) {
            await judges()(session, typed);
            continue;
          }
          // A client's own sentence may follow the prompt of the shell that ended it.
          const ended = await session.shell.run(typed);
          if (output === null) continue;
          expect({ typed, missing: missingOf(output, ended.output) }).toEqual({
            typed,
            missing: [],
          });
        }
      });
    },
    180_000,
  );
}

/** The lines of mosquitto's log that the page names. */
const promised = codeSpansOf(page).filter((code) =>
  /^(?:Received DISCONNECT|Client dev-42|No will|New client connected)/.test(code),
);

test.skipIf(mosquittoAbsent !== null)(
  `mosquitto logs what the page says${mosquittoAbsent === null ? "" : ` (skipped: ${mosquittoAbsent})`}`,
  async () => {
    expect(promised).toHaveLength(5);
    await using mosquitto = await Mosquitto.start(["log_type all"]);
    using folder = new Folder();
    const at = ["-p", String(mosquitto.port), "-t", "cmd", "-i", "dev-42"];
    const will = ["--will-topic", "home/dev-42/status", "--will-payload", "offline"];
    await run(folder, ["sub", ...at, ...will, "-k", "0", "-W", "0.2"]);
    await run(folder, ["sub", ...at, "-W", "0.2"]);
    await run(folder, ["sub", ...at, ...will, "-W", "0.2", "--no-disconnect"]);
    // The takeover ends it.
    const first = run(folder, ["sub", ...at, ...will, "--no-reconnect"]);
    await eventually(
      () => mosquitto.log.split("as dev-42").length > 4,
      () => `no fourth connection: ${mosquitto.log}`,
    );
    await run(folder, ["sub", ...at, "-W", "0.2"]);
    await first;
    const log = mosquitto.log.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:55002");
    expect(promised.filter((line) => !log.includes(line))).toEqual([]);
  },
  180_000,
);
