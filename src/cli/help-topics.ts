import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { type EndCause, ends } from "../core/end-causes.ts";
import { reasonName } from "../core/reason.ts";
import { codeMeanings } from "../standard/reason-codes.ts";
import { returnCodes } from "../wire/return-codes.ts";
import {
  exitCodeTexts,
  type HelpPage,
  type HelpRow,
  type HelpSection,
  statements,
} from "./help.ts";

/** A page of `mqttd help` that belongs to no command. */
export interface HelpTopic {
  readonly name: string;
  readonly summary: string;
  readonly about: string;
  readonly sections: () => readonly TopicSection[];
}

interface TopicSection {
  readonly title: string;
  readonly rows: readonly TopicRow[];
  /** Below the rows of the whole page. */
  readonly text?: readonly string[];
}

/** A row, and the numbers and the name by which it is found. */
interface TopicRow {
  readonly row: HelpRow;
  readonly numbers: readonly number[];
  readonly name: string;
}

export const helpTopics: readonly HelpTopic[] = [
  {
    name: "codes",
    summary: "reason codes of MQTT 5.0, return codes of 3.1.1",
    about:
      "The codes by which client and server say how a request ended, in our own words. From 0x80 on " +
      "it failed. A code or a name behind it shows that one alone: mqttd help codes 0x87. mqttd " +
      "inspect packet shows the code of a packet that you have as bytes.",
    sections: codeSections,
  },
  {
    name: "errors",
    summary: "exit codes, mosquitto's beside them; causes of ends, and the will",
    about:
      "How mqttd and its commands end, and how connections of clients end. The page of each command " +
      "says what its exit codes mean there. A code or a word behind it shows that one alone: mqttd " +
      "help errors 5.",
    sections: errorSections,
  },
];

/** The whole page of a topic. */
export function topicPage({ name, about, sections }: HelpTopic): HelpPage {
  return {
    usage: `help ${name} [WORD]`,
    about,
    sections: [...sections().map((section) => shownOf(section, section.rows)), statements],
  };
}

function shownOf({ title, text }: TopicSection, rows: readonly TopicRow[]): HelpSection {
  return { title, rows: rows.map(({ row }) => row), ...(text !== undefined && { text }) };
}

/**
 * What a topic has on one code or name: those it names exactly, else those whose name contains it.
 * Throws CliError with the nearest.
 */
export function topicEntries(topic: HelpTopic, word: string): readonly HelpSection[] {
  const all = topic.sections();
  const code = codeOf(word);
  const asked = plain(word);
  const isNamed = ({ numbers, name }: TopicRow): boolean =>
    code === null ? name === asked : numbers.includes(code);
  const contains = ({ name }: TopicRow): boolean => asked.length > 1 && name.includes(asked);
  for (const fits of code === null ? [isNamed, contains] : [isNamed]) {
    const found = all.flatMap(({ title, rows }) => {
      const fitting = rows.filter(fits);
      return fitting.length === 0 ? [] : [shownOf({ title, rows }, fitting)];
    });
    if (found.length > 0) return found;
  }
  const rows = all.flatMap((section) => section.rows);
  throw usageError(
    `help ${topic.name}: there is no ${code === null ? "name" : "code"} ${quoted(word)}`,
    hintFor(topic, code, asked, rows),
  );
}

function hintFor(
  { name: topic }: HelpTopic,
  code: number | null,
  asked: string,
  rows: readonly TopicRow[],
): string {
  const meant =
    code === null
      ? nearest(
          asked,
          rows.map(({ name }) => name),
        )
      : nearestNumber(code, rows);
  return meant === null ? `mqttd help ${topic} lists all` : `did you mean ${meant}?`;
}

/** `87` is more likely 0x87 than the number next to 87. */
function nearestNumber(code: number, rows: readonly TopicRow[]): string | null {
  const known = rows.flatMap(({ numbers, row: [term] }) =>
    numbers.map((number, index) => ({ number, written: writtenIn(term)[index] ?? String(number) })),
  );
  const asHexadecimal = Number.parseInt(String(code), 16);
  const far = ({ number }: { readonly number: number }): number =>
    number === asHexadecimal ? -1 : Math.abs(number - code);
  return known.toSorted((a, b) => far(a) - far(b))[0]?.written ?? null;
}

/** The numbers of a term as it has them: `0x8B` of `0x8B 139`, both of `130, 143`. */
function writtenIn(term: string): readonly string[] {
  return term.includes(", ") ? term.split(", ") : term.split(" ").slice(0, 1);
}

/** `0x8B`, `8B`, `139`; null: no number. */
function codeOf(word: string): number | null {
  if (/^\d{1,5}$/.test(word)) return Number(word);
  const [, digits] = /^(?:0x)?([\da-f]{1,4})$/i.exec(word) ?? [];
  // Without 0x, only what no word is.
  const isHexadecimal = /^0x/i.test(word) || /^(?=.*\d)[\da-f]{2}$/i.test(word);
  return digits === undefined || !isHexadecimal ? null : Number.parseInt(digits, 16);
}

/** `Server_Shutting-down` is `server shutting down`. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .trim();
}

function hexadecimal(code: number): string {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}

function codeSections(): readonly TopicSection[] {
  const rows = Object.entries(codeMeanings)
    .map(([code, meaning]) => ({ code: Number(code), ...meaning }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, says, packets }): TopicRow => {
      const name = reasonName(code) ?? "";
      const row: HelpRow = [`${hexadecimal(code)} ${code}`, `${name}: ${says} (${packets})`];
      return { row, numbers: [code], name: plain(name) };
    });
  return [
    { title: "MQTT 5.0", rows },
    {
      title: "MQTT 3.1 and 3.1.1, in CONNACK",
      rows: Object.entries(returnCodes).map(([code, text]): TopicRow => ({
        row: [code, text ?? ""],
        numbers: [Number(code)],
        name: plain(text ?? ""),
      })),
    },
    {
      title: "MQTT 3.1.1, in SUBACK",
      rows: [
        { row: ["0, 1, 2", "granted with this QoS"], numbers: [0, 1, 2], name: "granted" },
        { row: ["128", "refused; 3.1 has no code for it"], numbers: [128], name: "refused" },
      ],
      text: [
        "No other packet of 3.1 and 3.1.1 has a code: the server can only close the connection.",
      ],
    },
  ];
}

/** What the exit code is for the same end in mosquitto_pub, mosquitto_sub and mosquitto_rr 2.0. */
const mosquittoExits: Readonly<Record<keyof typeof exitCodeTexts, string>> = {
  "0": "0",
  "1": "none; its 1 is what is 2 or 3 here",
  "2": "1; mosquitto, the broker: 3 for its configuration",
  "3": "1",
  "4": "the code of CONNACK: 1 to 5, with MQTT 5 the reason code (135 not authorized)",
  "5": "27, of -W",
  "70": "none",
  "130, 143": "0",
};

function errorSections(): readonly TopicSection[] {
  const coded = (texts: Readonly<Record<string, string>>): TopicRow[] =>
    Object.entries(texts).map(([codes, text]) => ({
      row: [codes, text],
      numbers: codes.split(", ").map(Number),
      name: plain(exitCodeTexts[codes as keyof typeof exitCodeTexts]),
    }));
  return [
    { title: "Exit codes", rows: coded(exitCodeTexts) },
    { title: "The same in mosquitto's clients", rows: coded(mosquittoExits) },
    {
      title: "Causes of ends, and the will",
      rows: (Object.keys(ends) as EndCause[]) // The table's keys.
        .map((cause) => ({
          row: [ends[cause].text, endText(cause)],
          numbers: [],
          name: plain(ends[cause].text),
        })),
      text: [
        "inspect names the cause in these words; the log says exceeded timeout, as mosquitto does, " +
          "where a keepalive has expired. A will with a Will Delay " +
          "Interval is published that much later, or cancelled if the client resumes its session " +
          "before. A client whose CONNECT was refused has no will.",
      ],
    },
  ];
}

function endText(cause: EndCause): string {
  const { will, disconnectReason } = ends[cause];
  const fate =
    cause === "takenOver"
      ? "will published, or cancelled if it has a delay and the session goes on"
      : cause === "refused" || cause === "connectTimeout" || cause === "crowdedOut"
        ? "there is no will yet"
        : `will ${will === "publish" ? "published" : "discarded"}`;
  if (disconnectReason === null) return fate;
  return `${fate}; a v5 client is sent DISCONNECT ${hexadecimal(disconnectReason)}`;
}

/** Codes and names for the completions of shells. */
export function topicWords({ sections }: HelpTopic): readonly (readonly [string, string])[] {
  const [first] = sections();
  return (first?.rows ?? []).flatMap(({ row: [term, text] }) =>
    writtenIn(term).map((word) => [word, text] as const),
  );
}
