import { expect, test } from "bun:test";
import { accountText, logText } from "../support/account-text.ts";

// The parts of accounts that snapshots omit, and those that they always keep.

test("the log: clock times, ports and measured times go, requested and allowed values stay", () => {
  const lines = [
    "13:02:46.012 New client connected from 127.0.0.1:57508 as dev-42 (p5, c1, k10), session kept 1 min, will on a/b (q0, delay 30 s)",
    "13:02:47.012 Client dev-42 disconnected: exceeded timeout (silent 15.0 s, allowed 15.0 s) · will due in 30 s on a/b",
    "13:02:47.012 Client dev-42 disconnected: quota exceeded (more than 1 unfinished QoS 2 messages [v5-3.3.4-7], silent 950 ms, allowed 7.50 s) · will published to 3 on a/b (2 queued, retained, 3 ms late)",
    "13:02:47.012 dev-42's will published to 1 on a/b (due after 30.0 s, 2 ms late, session ended) · connection ended: DISCONNECT with will",
  ];
  expect(logText(lines)).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as dev-42 (p5, c1, k10), session kept 1 min, will on a/b (q0, delay 30 s)
    Client dev-42 disconnected: exceeded timeout (silent <measured>, allowed 15.0 s) · will due in 30 s on a/b
    Client dev-42 disconnected: quota exceeded (more than 1 unfinished QoS 2 messages [v5-3.3.4-7], silent <measured>, allowed 7.50 s) · will published to 3 on a/b (2 queued, retained, <lateness>)
    dev-42's will published to 1 on a/b (due after <measured>, <lateness>, session ended) · connection ended: DISCONNECT with will"
  `);
});

test("an explanation: the same, wrapped again, so that no measured time moves a word", () => {
  const explained = (silent: string, late: string): string =>
    [
      `The will of dev-42 fired ${silent} after its last packet${late}, because its keepalive`,
      "of 10 s allows 15.0 s of silence. 1 subscriber got it. [v5-3.1.2-8]",
      "",
      "What happened",
      "  08:00:00.000  It connected from [::1]:57508 with MQTT 5.0 (listener: tcp",
      "                localhost:1883).",
      "  08:00:00.000  Its connection ends after 15.0 s of silence; it sent 4 PINGREQs,",
      `                one every ${silent}; once only 400 ms were left of the 15.0 s allowed.`,
      `  08:00:27.000  The will was published on a/b, ${late === "" ? "on time" : "3 ms late"}.`,
      "",
      "What to change",
      "  - If it is to fire at once, set its Will Delay Interval to 0; it is 30 s.",
      "    [v5-3.1.2-8]",
      "",
    ].join("\n");
  const text = accountText(explained("15.0 s", ""));
  expect(accountText(explained("950 ms", " (3 ms late)"))).toBe(text);
  expect(text).toMatchInlineSnapshot(`
    "The will of dev-42 fired <measured> after its last packet, because its keepalive
    of 10 s allows 15.0 s of silence. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      <time>  It connected from [::1]:<port> with MQTT 5.0 (listener: tcp
              localhost:1883).
      <time>  Its connection ends after 15.0 s of silence; it sent 4 PINGREQs, one
              every <measured>; once only <measured> were left of the 15.0 s
              allowed.
      <time>  The will was published on a/b, <lateness>.

    What to change
      - If it is to fire at once, set its Will Delay Interval to 0; it is 30 s.
        [v5-3.1.2-8]"
  `);
});
