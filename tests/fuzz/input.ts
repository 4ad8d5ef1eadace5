/**
 * One run of the fuzzer against a broker, as a list of acts. Written as text, one act a line, so
 * that a fault can be kept, read and replayed:
 *
 *
 *     # a comment
 *     limits small
 *     open a
 *     send a 101000044d515454
 *     wait 1500
 *     drop a reset
 */
export interface FuzzInput {
  /**
   * `small`: limits that a few packets reach. `strict`: small, without QoS 2, retained messages and
   * long keepalives. `default`: those of a broker without configuration.
   */
  readonly limits: "small" | "strict" | "default";
  /** `later`: verdicts of the authentication wait for the act `verdicts`, or for time to pass. */
  readonly verdicts: "now" | "later";
  /** Whether the log gets each packet. */
  readonly trace: boolean;
  readonly acts: readonly Act[];
}

/** `who` names a connection. A missing one is opened first. */
export type Act =
  /** A new connection under that name; the old one stays open, and sends nothing more. */
  | { readonly act: "open"; readonly who: string }
  /** One chunk of bytes arrives. */
  | { readonly act: "send"; readonly who: string; readonly bytes: Uint8Array }
  /** Acknowledges correctly what the connection has received so far. */
  | { readonly act: "answer"; readonly who: string }
  /** The kernel accepts so many bytes more for it, and then none. */
  | { readonly act: "hold"; readonly who: string; readonly bytes: number }
  /** The kernel accepts output again: so many bytes, or all. */
  | { readonly act: "drain"; readonly who: string; readonly bytes: number }
  | { readonly act: "drop"; readonly who: string; readonly how: "eof" | "reset" | "timeout" }
  /** Milliseconds pass. */
  | { readonly act: "wait"; readonly ms: number }
  | { readonly act: "verdicts" }
  /** The operator closes the connection of a client id. */
  | { readonly act: "kick"; readonly clientId: string }
  /** The operator resets the connection, as a network would, or makes it silent. */
  | { readonly act: "break"; readonly who: string; readonly how: "rst" | "silent" }
  /** The driver's heartbeat, after the machine has slept for so many milliseconds. */
  | { readonly act: "sleep"; readonly ms: number };

/** The longest wait of an input: a day. */
export const longestWaitMs = 86_400_000;

export function writeInput(input: FuzzInput, comment = ""): string {
  const head = comment.split("\n").map((line) => (line === "" ? "" : `# ${line}\n`));
  const lines = [
    `limits ${input.limits}`,
    `verdicts ${input.verdicts}`,
    `trace ${input.trace ? "on" : "off"}`,
    ...input.acts.map(lineOf),
  ];
  return `${head.join("")}${lines.join("\n")}\n`;
}

function lineOf(act: Act): string {
  switch (act.act) {
    case "open":
    case "answer":
      return `${act.act} ${act.who}`;
    case "send":
      return `send ${act.who} ${act.bytes.toHex()}`;
    case "hold":
    case "drain":
      return `${act.act} ${act.who} ${act.bytes === Infinity ? "all" : act.bytes}`;
    case "drop":
    case "break":
      return `${act.act} ${act.who} ${act.how}`;
    case "wait":
    case "sleep":
      return `${act.act} ${act.ms}`;
    case "verdicts":
      return "verdicts";
    case "kick":
      return `kick ${act.clientId}`;
  }
}

/** Throws an Error that names the first invalid line. */
export function readInput(text: string): FuzzInput {
  const settings = { limits: "small", verdicts: "now", trace: "off" };
  const acts: Act[] = [];
  text.split("\n").forEach((line, index) => {
    const [word = "", ...rest] = line.trim().split(" ");
    if (word === "" || word.startsWith("#")) return;
    if (word === "limits" || (word === "verdicts" && rest.length > 0) || word === "trace") {
      settings[word] = rest[0] ?? "";
      return;
    }
    const act = actOf(word, rest);
    if (act === null) throw new Error(`line ${index + 1} is no act: ${line}`);
    acts.push(act);
  });
  return {
    limits:
      settings.limits === "default" || settings.limits === "strict" ? settings.limits : "small",
    verdicts: settings.verdicts === "later" ? "later" : "now",
    trace: settings.trace === "on",
    acts,
  };
}

function actOf(word: string, [who = "", what = ""]: readonly string[]): Act | null {
  const number = Number(what);
  switch (word) {
    case "open":
    case "answer":
      return who === "" ? null : { act: word, who };
    case "send":
      return /^([0-9a-f]{2})+$/.test(what)
        ? { act: "send", who, bytes: Uint8Array.fromHex(what) }
        : null;
    case "hold":
    case "drain":
      return what === "all" || Number.isInteger(number)
        ? { act: word, who, bytes: what === "all" ? Infinity : number }
        : null;
    case "drop":
      return what === "eof" || what === "reset" || what === "timeout"
        ? { act: "drop", who, how: what }
        : null;
    case "break":
      return what === "rst" || what === "silent" ? { act: "break", who, how: what } : null;
    case "wait":
    case "sleep":
      return Number.isInteger(Number(who)) && Number(who) <= longestWaitMs
        ? { act: word, ms: Number(who) }
        : null;
    case "verdicts":
      return { act: "verdicts" };
    case "kick":
      return { act: "kick", clientId: who };
    default:
      return null;
  }
}
