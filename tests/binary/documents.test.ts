import { expect, test } from "bun:test";
import { documents } from "../support/documents.ts";
import { run } from "../support/executable.ts";
import { all, patienceMs } from "../support/inbox.ts";
import {
  allReplaced,
  anyShell,
  commandsOf,
  device,
  ends,
  firstLineOf,
  followed,
  follows,
  judges,
  missingOf,
  type Play,
  playAll,
  type Plays,
  promisedOf,
  type Replacement,
  shellMissing,
} from "../support/pasted.ts";

// Types the commands of docs/ into a shell, as tests/binary/readme.test.ts does with those of README.md and
// tests/binary/why-page.test.ts with those of docs/why-did-my-will-not-fire.md.

/** Documents whose commands have a test file of their own. */
const ownTests: readonly string[] = ["README.md", "docs/why-did-my-will-not-fire.md"];

/** Commands that no test runs, by their first lines, and why. */
const notRun: Readonly<Record<string, string>> = {
  "mqttd serve --set admin.host=0.0.0.0 --set admin.tokenFile=./token":
    "192.0.2.7 is nobody's address; tests/server/admin asks with a token",
  "curl -s 'localhost:1888/v1/wills?client=dev-42&wait=5s' | jq -r .awaitedWill.fate.fate":
    "jq need not be there; the request is played without it",
  'curl -fsSLO "$BASE/v0.1.0/install.sh"':
    "from a place that a test has not; tests/scripts/release runs the script with a server of its own",
  'curl -fsSLO "$BASE/v0.1.0/mqttd.rb"':
    "Homebrew is not there; tests/scripts/release runs the formula in Ruby",
  "npx mqttd serve": "from a registry; tests/scripts/release starts the command from packed files",
  "npm install ./mqttd-0.1.0.tgz ./mqttd-linux-x64-0.1.0.tgz":
    "files of a release, which tests/scripts/release packs and installs",
  "sudo cp mqttd.service /etc/systemd/system/":
    "changes the machine; tests/scripts/release verifies the unit",
  'curl -fsSL "$BASE/v0.1.0/Dockerfile" | docker build --tag mqttd -':
    "Docker is not there; tests/scripts/release replays the file's steps",
  "mqttd inspect explain dev-42 --data ./mqttd-data":
    "wants a broker that has died; tests/binary/store.test.ts asks the file of one",
  "npm run build": "measures other brokers for an hour, which it downloads",
  "npm run evidence": "rewrites sources; tests/house/evidence.test.ts compares them",
  "npm run conformance -- --url mqtt://localhost:1883":
    "played by tests/binary/readme.test.ts; the other two by tests/conformance/script.test.ts",
  "npm run stopped -- --times 1 --seconds 3": "stops all programs of the machine, this test too",
  "mqttd simulate-drop --url wss://broker.example/mqtt":
    "a made-up host; npm run doors plays each scenario over wss",
};

const replacements: readonly Replacement[] = [
  ["-h localhost -k 60", "-h localhost -k 1"],
  ["simulate-drop --all --except invalid-will", "simulate-drop rst --except invalid-will"],
  ["simulate-drop --all", "simulate-drop rst"],
];

/** What must be there before, or is to be removed afterwards. */
const around =
  (before: string, play: Play, after = ""): Play =>
  async (session, typed) => {
    if (before !== "") await session.shell.run(before);
    await play(session, typed);
    if (after !== "") await session.shell.run(after);
  };

/** From a pipe. */
const readsLines: Play = async (session, typed) =>
  ends({ says: /-l\n/ })(session, `printf 'one\ntwo\n' | ${typed}`);

/** Each line, of which one runs until it is stopped. */
const asks: Play = async (session, typed) => {
  const { shell, broker } = session;
  using _ = await device(broker, "dev-42");
  const says = [
    /"startedAt"/,
    /"decided":false/,
    /"wasConnected":true/,
    /id: 1\n/,
    /mqttd_build_info/,
  ];
  for (const [index, line] of typed.split("\n").entries()) {
    if (!line.startsWith("curl -sN")) {
      await ends({ says: says[index] ?? / / }, patienceMs)(session, line);
      continue;
    }
    shell.type(line);
    await followed(broker);
    using _again = await device(broker, "dev-42");
    await shell.until(/^id: \d+/m, "an event");
    expect(await shell.interrupt()).toBe(130);
  }
};

/** A command that prints what its document shows below it. */
function shows(document: string, command: string): readonly [first: string, play: Play] {
  const play: Play = async ({ shell }, typed) => {
    const { code, output } = await shell.run(typed);
    const missing = missingOf(promisedOf(document, command), output);
    expect({ typed, code, missing }).toEqual({ typed, code: 0, missing: [] });
  };
  return [command, play];
}

/** The process of the test's broker. */
const freezes: Play = async (session, typed) =>
  judges()(session, typed.replace(/PID$/, String(session.broker.pid)));

/** A will that is awaited, of a client that is broken meanwhile. */
const awaits: Play = async (session, typed) => {
  const { broker, folder } = session;
  const drops = async (): Promise<void> => {
    await followed(broker);
    const admin = await broker.administration();
    const { stdout } = await run(folder, ["inspect", "drop", "dev-42", "--admin", admin]);
    expect(stdout).toBe("dev-42: reset\n");
  };
  await all([ends({ says: /published to|published on/ })(session, typed), drops()]);
};

const packet = shows("docs/inspect.md", "xxd capture.bin | mqttd inspect packet -");
const curl = Bun.which("curl") === null ? "curl is not installed" : "";
const xxd = Bun.which("xxd") === null ? "xxd is not installed" : "";
const linux = process.platform === "linux" ? "" : "needs Linux";

interface Terminal {
  readonly document: string;
  readonly plays: Plays;
  /** Why it cannot be played here; "": it can. */
  readonly missing?: string;
}

const terminals: Readonly<Record<string, Terminal>> = {
  "publishing and subscribing": {
    document: "docs/pub-sub.md",
    plays: [
      ["mqttd pub -t home/lamp -m on", ends({ says: /-m on\n/ })],
      [
        "mqttd pub -t home/lamp -q 1 -r -f state.json",
        around(`echo '{"on":true}' > state.json`, ends({ says: /state.json\n/ }), "rm state.json"),
      ],
      ["mqttd pub -t home/log -l", readsLines],
      ["mqttd sub -t 'home/#' -v", follows(/\nhome\/lamp \{"on":true\}\n/)],
      ["mqttd sub -t home/lamp -C 1 -W 5", ends({ says: /\n\{"on":true\}\n/ })],
      [
        "mqttd sub -t '#' --retained-only -v -W 1",
        ends({ code: 5, says: /\nhome\/lamp \{"on":true\}\n/ }),
      ],
      ["mqttd sub -t 'home/#' --json", follows(/\n\{"at":.*"retain":true,.*\}\n/)],
      ["mqttd pub -t home/lamp -r -n", ends({ says: /-r -n\n/ })],
      [
        "mqttd rr -t dev-42/ask -e dev-42/answer -m status -W 5",
        ends({ code: 5, says: /timed out after 5 s/ }),
      ],
      [
        "mqttd pub -t home/lamp -m on -D publish content-type text/css",
        ends({ says: /text\/css\n/ }),
      ],
    ],
  },
  "of simulate-drop": {
    document: "docs/simulate-drop.md",
    plays: [
      ["mqttd simulate-drop --embedded", judges()],
      ["mqttd simulate-drop rst half-open -h localhost -k 60", judges()],
      [
        "mqttd simulate-drop --all --strict --junit drops.xml",
        around("", judges(), "grep -c testsuite drops.xml && rm drops.xml"),
      ],
      ["mqttd simulate-drop --all --except invalid-will", judges()],
      [
        "mqttd simulate-drop --all --html drops.html",
        around("", judges(), "grep -c '</html>' drops.html && rm drops.html"),
      ],
      [
        "mqttd simulate-drop --all --url mqtt://localhost:1883 --json > before.json",
        ends({ says: /\b2 stayed/ }, 60_000),
      ],
      [
        "mqttd simulate-drop --compare before.json after.json",
        around("", ends({ says: /\b2 stayed/ }), "rm before.json after.json"),
      ],
    ],
  },
  "of broker-freeze": {
    document: "docs/simulate-drop.md",
    plays: [["mqttd simulate-drop broker-freeze --broker-pid PID", freezes]],
    missing: linux,
  },
  "of the administration interface": {
    document: "docs/administration.md",
    plays: [
      ["curl -s localhost:1888/v1/overview", asks],
      [
        `curl -s -X POST localhost:1888/v1/publish -d '{"topic":"home/lamp","payload":"on","qos":1,"retain":true}'`,
        ends({ says: /"messages":\[\{.*"payload":"off".*"complete":true/ }),
      ],
      shows("docs/administration.md", "curl -s 'localhost:1888/v1/clients?limt=1'"),
    ],
    missing: curl,
  },
  "of inspect": {
    document: "docs/inspect.md",
    plays: [
      ["mqttd inspect clients", ends({ says: /\ndev-42 / })],
      ["mqttd inspect sessions", ends({ says: /\ndev-42 / })],
      ["mqttd inspect subscriptions", ends({ says: /no subscriptions|CLIENT/ })],
      [
        "mqttd inspect subscriptions home/dev-42/status",
        ends({ says: /home\/dev-42\/status would go to 0 clients/ }),
      ],
      ["mqttd inspect retained", ends({ says: /below \$SYS/ })],
      ["mqttd inspect messages 'home/#' --limit 2", ends({ says: /TIME +TOPIC|no messages/ })],
      [
        "mqttd inspect acl --client dev-42 --user ann --topic home/safe/key",
        ends({ says: /write +allowed/ }),
      ],
      [
        "mqttd inspect acl --client dev-42 --topic 'dev/dev-42/#'",
        ends({ says: /subscribe +allowed/ }),
      ],
      ["mqttd inspect wills", ends({ says: /\ndev-42 .* armed/ })],
      ["mqttd inspect wills --client dev-42 --wait 10s --expect published", awaits],
      ["mqttd inspect drop dev-42", ends({ says: /dev-42: reset\n/ })],
      ["mqttd inspect explain dev-7", ends({ code: 2, says: /dev-7 has not connected/ })],
      ["mqttd inspect lint", ends({ says: /habit/ })],
      ["mqttd inspect tail", follows(/inspect tail\n/)],
      ["mqttd inspect kick worker", ends({ code: 2, says: /worker/ })],
      ["mqttd inspect log debug", ends({ says: /log level debug\n/ })],
      ["mqttd inspect reload", ends({ says: /reloaded/ })],
    ],
  },
  "of inspect packet": {
    document: "docs/inspect.md",
    plays: [
      [
        packet[0],
        around("printf '0\\005\\000\\001#hi' > capture.bin", packet[1], "rm capture.bin"),
      ],
    ],
    missing: xxd,
  },
  "of rule": {
    document: "docs/conformance.md",
    plays: [shows("docs/conformance.md", "mqttd rule v5-3.1.3-9")],
  },
};

test("each command of each document is played, or is named here with the reason", () => {
  const played = Object.values(terminals).flatMap(({ plays }) => plays.map(([first]) => first));
  const elsewhere = ownTests.flatMap((name) => commandsOf(name).map(firstLineOf));
  const known = new Set([...played, ...elsewhere, ...Object.keys(notRun)]);
  const shown = [...documents().keys()].flatMap((name) =>
    ownTests.includes(name) ? [] : commandsOf(name).map(firstLineOf),
  );
  expect(shown.filter((command) => !known.has(command))).toEqual([]);
  expect([...played, ...Object.keys(notRun)].filter((one) => !shown.includes(one))).toEqual([]);
});

test("each replacement is needed", () => {
  const played = new Set(Object.values(terminals).map(({ document }) => document));
  allReplaced([...played].flatMap(commandsOf), replacements);
});

test("a promise that is not kept is found", () => {
  expect(missingOf("a 3 s\nb\n...\nc\n", "x a 12.5 ms b\n y c")).toEqual([]);
  expect(missingOf("a\n...\nd\n", "a b c")).toEqual(["\nd\n"]);
  expect(missingOf("b\n...\na\n", "a b")).toEqual(["\na\n"]);
});

for (const [title, { document, plays, missing = "" }] of Object.entries(terminals)) {
  const why = [shellMissing, missing].filter((one) => one !== "").join(", ");
  test
    .skipIf(why !== "")
    .concurrent(
      `the commands ${title} in ${document} work${why === "" ? "" : ` (skipped: ${why})`}`,
      async () => playAll(anyShell, commandsOf(document), plays, replacements),
      180_000,
    );
}
