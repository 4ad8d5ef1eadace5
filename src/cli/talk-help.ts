import { type ExitCode, exitCodes, type HelpSection } from "./help.ts";

/** How to test a will: what people look for in the help of a client. */
export const willTest: HelpSection = {
  title: "To test your will",
  text: [
    "Give it --will-topic and --no-disconnect and press Ctrl-C: the broker sees a connection that " +
      "ends without DISCONNECT, and publishes the will. With --disconnect-reason 0x04 the client asks " +
      "for it (MQTT 5). Without either flag the client sends DISCONNECT, and the broker discards the " +
      "will. Every other way to die: mqttd simulate-drop.",
  ],
};

export const formats: HelpSection = {
  title: "Formats",
  rows: [
    ["%t %p %q %r", "topic, payload, QoS, 1 if retained"],
    ["%l %x %X", "the payload's length, and its bytes in hexadecimal"],
    ["%m", "packet id"],
    ["%j %J", "JSON; with %J the payload is JSON itself"],
    ["%I %U", "time: 2026-11-30T09:47:38+0100; seconds since 1970"],
    ["%A %C %D %E", "Topic Alias, Content Type, Correlation Data, Message Expiry Interval"],
    [
      "%F %P %R %S",
      "Payload Format Indicator, User Properties, Response Topic, Subscription Identifier",
    ],
    ["@Y @H @N ...", "time: @ and a letter of strftime; @N nanoseconds"],
    ["\\n \\t \\0 ...", "\\\\ \\a \\e \\n \\r \\t \\v \\0"],
    ["%-20.10t %08l", "left, width, most characters; zeros"],
  ],
};

export function talkExitCodes(command: "pub" | "sub" | "rr"): HelpSection {
  const codes: ExitCode[] = ["0", "2", "3", "4", "70", "130, 143"];
  if (command !== "pub") codes.splice(4, 0, "5");
  return exitCodes(codes, {
    "0": command === "pub" ? "the broker has acknowledged all messages" : "done",
    "3": "could not connect; or, with --no-reconnect, the connection was lost",
    "4": "refused: the connection, a message, or all subscriptions",
    "5": "-W is over",
  });
}
