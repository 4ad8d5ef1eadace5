import { createHash, randomBytes } from "node:crypto";
import { type BadHead, type HttpHead, lists, wordsOf } from "./http-head.ts";
import { isOriginAllowed } from "./origins.ts";

/** Which upgrades a listener accepts. */
export interface UpgradePolicy {
  /** The URL's path; null: any. */
  readonly path: string | null;
  /** Origins of pages that may connect; null: those of this machine (`isOriginAllowed`). */
  readonly origins: readonly string[] | null;
}

/** What a server answers, an HTTP head as it is sent. */
export interface UpgradeAnswer {
  readonly answer: string;
  /** Why there is no WebSocket, a clause for the log; null: the connection is one now. */
  readonly refusal: string | null;
}

/** The subprotocols of MQTT: 3.1 had one of its own. */
const subprotocols = ["mqtt", "mqttv3.1"] as const;

/**
 * Answers the head of a request. A client that offers `mqtt` gets it [v4-6.0.0-4] [v5-6.0.0-4];
 * `mqttv3.1` only if it does not; a client that offers neither speaks something else and gets 400.
 */
export function answerUpgrade(head: HttpHead | BadHead, policy: UpgradePolicy): UpgradeAnswer {
  if (head === "tooLarge") return refusal("431 Request Header Fields Too Large", tooLarge);
  if (head === "malformed") return refusal("400 Bad Request", malformed);
  const request = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(head.start);
  if (request === null) return refusal("400 Bad Request", malformed);
  const [, method, target = "", minor] = request;
  if (method !== "GET") {
    return refusal("405 Method Not Allowed", `an HTTP request ${method}`, ["Allow: GET"]);
  }
  if (!lists(head, "upgrade", "websocket")) {
    return refusal("426 Upgrade Required", "a plain HTTP request", upgrades);
  }
  const flaw = flawOf(head, minor === "1");
  if (flaw !== null) return refusal("400 Bad Request", `an upgrade ${flaw}`);
  if (head.fields.get("sec-websocket-version") !== "13") {
    return refusal("426 Upgrade Required", "an upgrade to another version of WebSocket", upgrades);
  }
  if (policy.path !== null && pathOf(target) !== policy.path) {
    const asked = shown(pathOf(target));
    return refusal("404 Not Found", `an upgrade on the path ${asked}, another than ${policy.path}`);
  }
  const origin = head.fields.get("origin") ?? null;
  if (!isOriginAllowed(origin, head.fields.get("host") ?? "", policy.origins)) {
    return refusal(
      "403 Forbidden",
      `a page of ${shown(origin ?? "")}, which listeners[].origins does not allow`,
    );
  }
  const offered = wordsOf(head.fields.get("sec-websocket-protocol"));
  const chosen = subprotocols.find((one) => offered.includes(one));
  if (chosen === undefined) return refusal("400 Bad Request", withoutMqtt(offered));
  const key = head.fields.get("sec-websocket-key") ?? "";
  return { answer: accepting(key, chosen), refusal: null };
}

const malformed = "a malformed HTTP request";
const tooLarge = "an HTTP request with a head above 8 KiB";
const upgrades = ["Upgrade: websocket", "Sec-WebSocket-Version: 13"];
/** 16 bytes in base64. */
const keyForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** What makes it no handshake (RFC 6455, 4.2.1); null: nothing. */
function flawOf(head: HttpHead, isHttp11: boolean): string | null {
  const { fields } = head;
  if (!isHttp11) return "by HTTP/1.0";
  if (!lists(head, "connection", "upgrade")) return "without Connection: Upgrade";
  const host = fields.get("host") ?? "";
  if (host === "") return "without Host";
  if (host.includes(",")) return "with more than one Host";
  if (!keyForm.test(fields.get("sec-websocket-key") ?? ""))
    return "without a valid Sec-WebSocket-Key";
  const hasBody = (fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding");
  return hasBody ? "with a body" : null;
}

function withoutMqtt(offered: readonly string[]): string {
  return offered.length === 0
    ? "an upgrade without a subprotocol; clients of MQTT offer mqtt"
    : `an upgrade without the subprotocol mqtt, with ${shown(offered.join(", "))}`;
}

/** The client's own words; a long one is cut. */
function shown(text: string): string {
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}...`;
}

const shownMax = 100;

/** Without query: clients put credentials there, which no path is about. */
function pathOf(target: string): string {
  return target.replace(/\?.*$/, "");
}

function accepting(key: string, subprotocol: string): string {
  return head([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  ]);
}

function refusal(status: string, why: string, fields: readonly string[] = []): UpgradeAnswer {
  const text =
    "This is an MQTT WebSocket listener. Connect with an MQTT client, by a URL that begins with ws:// " +
    `or wss://.\nRefused: ${why}.\n`;
  const answer = head([
    `HTTP/1.1 ${status}`,
    "Connection: close",
    ...fields,
    "Content-Type: text/plain; charset=utf-8",
    "X-Content-Type-Options: nosniff",
    `Content-Length: ${Buffer.byteLength(text)}`,
  ]);
  return { answer: answer + text, refusal: why };
}

/** RFC 6455, 1.3. */
function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

function head(lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A client's side of the handshake. */
export interface UpgradeRequest {
  /** The head to send. */
  readonly head: string;
  /** Checks the head of the answer. Null: the connection is a WebSocket now; else why not. */
  refused(answer: HttpHead | BadHead): string | null;
}

/**
 * Asks for a WebSocket at `path` (with its query) of `host` (`localhost:9001`), with the subprotocol
 * `mqtt` [v4-6.0.0-3] [v5-6.0.0-3], `mqttv3.1` for MQTT 3.1. Send `head` on a TCP or TLS connection,
 * read the answer with a HeadReader, hand it to `refused`; frames follow in both directions: a
 * `FrameReader(false, ...)` reads, `clientFrame` writes. `fields` are further lines: `Origin: ...`.
 */
export function upgradeRequest(
  host: string,
  path: string,
  subprotocol: "mqtt" | "mqttv3.1",
  fields: readonly string[] = [],
): UpgradeRequest {
  const key = randomBytes(16).toString("base64");
  return {
    head: head([
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${key}`,
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      ...fields,
    ]),
    refused: (answer) => refusedBy(answer, key, subprotocol),
  };
}

function refusedBy(answer: HttpHead | BadHead, key: string, subprotocol: string): string | null {
  if (answer === "tooLarge") return "the head of its HTTP answer is above 8 KiB";
  const status = answer === "malformed" ? null : /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(answer.start);
  if (answer === "malformed" || status === null) return "its answer is no HTTP/1.1";
  if (status[1] !== "101") return `it answered HTTP status ${status[1]}`;
  const isUpgrade = lists(answer, "upgrade", "websocket") && lists(answer, "connection", "upgrade");
  if (!isUpgrade) return "its answer does not change to WebSocket";
  if (answer.fields.get("sec-websocket-accept") !== acceptOf(key)) {
    return "its Sec-WebSocket-Accept is wrong";
  }
  if ((answer.fields.get("sec-websocket-extensions") ?? "") !== "") {
    return "it uses an extension that nobody offered";
  }
  if (answer.fields.get("sec-websocket-protocol") !== subprotocol) {
    return `it did not take the subprotocol ${subprotocol}`;
  }
  return null;
}
