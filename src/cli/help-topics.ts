import { type EndCause, ends } from "../core/end-causes.ts";
import { reasonName } from "../core/reason.ts";
import { codeMeanings } from "../standard/reason-codes.ts";
import { returnCodes } from "../wire/return-codes.ts";
import { exitCodeTexts, type HelpPage, type HelpRow, statements } from "./help.ts";

/** A page of `mqttd help` that belongs to no command. */
export interface HelpTopic {
  readonly name: string;
  readonly summary: string;
  readonly page: () => HelpPage;
}

export const helpTopics: readonly HelpTopic[] = [
  {
    name: "codes",
    summary: "reason codes of MQTT 5.0, return codes of 3.1.1",
    page: codesPage,
  },
  {
    name: "errors",
    summary: "exit codes, mosquitto's beside them; causes of ends, and the will",
    page: errorsPage,
  },
];

function hexadecimal(code: number): string {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}

function codesPage(): HelpPage {
  const rows = Object.entries(codeMeanings)
    .map(([code, meaning]) => ({ code: Number(code), ...meaning }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, says, packets }): HelpRow => [
      `${hexadecimal(code)} ${code}`,
      `${reasonName(code) ?? ""}: ${says} (${packets})`,
    ]);
  return {
    usage: "help codes",
    about:
      "The codes by which client and server say how a request ended, in our own words. From 0x80 on " +
      "it failed. mqttd inspect packet shows the code of a packet that you have as bytes.",
    sections: [
      { title: "MQTT 5.0", rows },
      {
        title: "MQTT 3.1 and 3.1.1, in CONNACK",
        rows: Object.entries(returnCodes).map(([code, text]): HelpRow => [code, text ?? ""]),
      },
      {
        title: "MQTT 3.1.1, in SUBACK",
        rows: [
          ["0, 1, 2", "granted with this QoS"],
          ["128", "refused; 3.1 has no code for it"],
        ],
        text: [
          "No other packet of 3.1 and 3.1.1 has a code: the server can only close the connection.",
        ],
      },
      statements,
    ],
  };
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

function errorsPage(): HelpPage {
  const codes = Object.entries(exitCodeTexts);
  return {
    usage: "help errors",
    about:
      "How mqttd and its commands end, and how connections of clients end. The page of each command " +
      "says what its exit codes mean there.",
    sections: [
      { title: "Exit codes", rows: codes },
      {
        title: "The same in mosquitto's clients",
        rows: Object.entries(mosquittoExits),
      },
      {
        title: "Causes of ends, and the will",
        rows: (Object.keys(ends) as EndCause[]) // The table's keys.
          .map((cause): HelpRow => [ends[cause].text, endText(cause)]),
        text: [
          "inspect names the cause in these words; the log says exceeded timeout, as mosquitto does, " +
            "where a keepalive has expired. A will with a Will Delay " +
            "Interval is published that much later, or cancelled if the client resumes its session " +
            "before. A client whose CONNECT was refused has no will.",
        ],
      },
      statements,
    ],
  };
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
