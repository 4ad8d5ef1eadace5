import { cannotBeJson, mosquittoJson } from "./message-json.ts";
import { payloadOf, type Printed, timeOf } from "./printed.ts";
import { strftime } from "./strftime.ts";

/** A format of mosquitto_sub's `-F`, taken apart. */
export type Piece =
  | { readonly type: "text"; readonly text: string }
  /** `@Y` */
  | { readonly type: "time"; readonly conversion: string }
  /** `%-10.5t` */
  | {
      readonly type: "field";
      readonly field: string;
      readonly isLeft: boolean;
      readonly hasZeros: boolean;
      /** At least so many characters, and at most; null: any. */
      readonly least: number;
      readonly most: number | null;
    };

const fields = "ACDEFIJPRSUXjlmpqrtx";
const escapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  "0": "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Characters of a width: what a terminal, or a file of fixed columns, can use. */
const widthMax = 10_000;

/** Takes a format apart. For one that is not valid: what is wrong with it, as a clause. */
export function readFormat(format: string): readonly Piece[] | string {
  const pieces: Piece[] = [];
  let text = "";
  const add = (piece: Piece): void => {
    if (text !== "") pieces.push({ type: "text", text });
    text = "";
    pieces.push(piece);
  };
  const pattern = /%%|%(-?0?-?)(\d*)(?:\.(\d*))?([a-zA-Z]?)|@(.?)|\\(.?)|[^%@\\]+|[^]/gsu;
  for (const found of format.matchAll(pattern)) {
    const [whole, flags = "", least = "", most, field, conversion, escape] = found;
    if (whole === "%%") text += "%";
    else if (field !== undefined) {
      if (field === "") return `${whole} at the end or before a character that names no field`;
      if (!fields.includes(field)) return `%${field}, and the fields are %${fields}`;
      const widths = [Number(least), Number(most ?? 0)];
      if (widths.some((width) => width > widthMax)) return `a width above ${widthMax}`;
      add({
        type: "field",
        field,
        isLeft: flags.includes("-"),
        hasZeros: flags.includes("0") && !flags.includes("-"),
        least: Number(least),
        most: most === undefined || most === "" ? null : Number(most),
      });
    } else if (conversion !== undefined) {
      if (conversion === "") return "@ at the end";
      if (conversion === "@") text += "@";
      else add({ type: "time", conversion });
    } else if (escape !== undefined) {
      const character = escapes[escape];
      if (character === undefined) {
        return escape === ""
          ? "\\ at the end"
          : `\\${escape}, and there are \\\\ \\0 \\a \\e \\n \\r \\t \\v`;
      }
      text += character;
    } else text += whole;
  }
  if (text !== "") pieces.push({ type: "text", text });
  return pieces;
}

/** A message in a format. A string: why it can't be written so. */
export function formatted(
  pieces: readonly Piece[],
  message: Printed,
  pretty: boolean,
): readonly (string | Uint8Array)[] | { readonly wrong: string } {
  const parts: (string | Uint8Array)[] = [];
  for (const piece of pieces) {
    switch (piece.type) {
      case "text":
        parts.push(piece.text);
        break;
      case "time":
        parts.push(timeText(piece.conversion, message));
        break;
      case "field": {
        const json = /^[jJ]$/.test(piece.field)
          ? mosquittoJson(message, piece.field === "J", pretty)
          : null;
        if (json === cannotBeJson) return { wrong: "its payload is not JSON" };
        parts.push(json ?? fieldOf(piece, message));
        break;
      }
    }
  }
  return parts;
}

function timeText(conversion: string, { atMicros }: Printed): string {
  if (conversion === "N") return nanoseconds(atMicros);
  // What strftime does not know, it leaves as it is.
  return strftime(conversion, new Date(atMicros / 1000)) ?? `%${conversion}`;
}

function nanoseconds(atMicros: number): string {
  return `${String(Math.floor(atMicros) % 1_000_000).padStart(6, "0")}000`;
}

function fieldOf(
  { field, isLeft, hasZeros, least, most }: Piece & { readonly type: "field" },
  { packet, atMicros }: Printed,
): string | Uint8Array {
  const { properties = {} } = packet;
  const payload = payloadOf(packet);
  const padded = (text: string): string => {
    const cut = most === null ? text : Array.from(text).slice(0, most).join("");
    const missing = Math.max(0, least - Array.from(cut).length);
    return isLeft ? cut + " ".repeat(missing) : " ".repeat(missing) + cut;
  };
  const whole = (text: string): string => (hasZeros ? text.padStart(least, "0") : filled(text));
  const filled = (text: string): string => (isLeft ? text.padEnd(least) : text.padStart(least));
  switch (field) {
    case "A":
      return whole(String(properties.topicAlias ?? ""));
    case "C":
      return padded(properties.contentType ?? "");
    case "D":
      return properties.correlationData ?? "";
    case "E":
      return whole(String(properties.messageExpiryInterval ?? ""));
    case "F":
      return whole(flagText(properties.payloadFormatIndicator));
    case "I":
      return padded(`${timeOf(["F", "T"], "T", atMicros)}${timeOf(["z"], "", atMicros)}`);
    case "l":
      return whole(String(payload.length));
    case "m":
      return whole(String(packet.messageId ?? 0));
    case "P":
      return packet.userProperties.map(([key, value]) => `${key}:${value}`).join(" ");
    case "p": {
      const missing = Buffer.alloc(Math.max(0, least - payload.length), " ");
      return Buffer.concat(isLeft ? [payload, missing] : [missing, payload]);
    }
    case "q":
      return String(packet.qos);
    case "R":
      return padded(properties.responseTopic ?? "");
    case "r":
      return packet.retain ? "1" : "0";
    case "S":
      return whole([properties.subscriptionIdentifier ?? []].flat().join(","));
    case "t":
      return padded(packet.topic);
    case "U":
      return `${Math.floor(atMicros / 1_000_000)}.${nanoseconds(atMicros)}`;
    case "x":
      return whole(payload.toString("hex"));
    default:
      // X: `readFormat` lets no other through.
      return whole(payload.toString("hex").toUpperCase());
  }
}

function flagText(indicator: boolean | undefined): string {
  return indicator === undefined ? "" : indicator ? "1" : "0";
}
