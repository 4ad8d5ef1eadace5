import type { IConnectPacket, IPublishPacket } from "mqtt-packet";
import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";

/** Commands of `-D COMMAND PROPERTY VALUE`. */
export const propertyCommands = [
  ...["connect", "publish", "subscribe", "unsubscribe", "disconnect", "will"],
] as const;

export type PropertyCommand =
  "connect" | "publish" | "subscribe" | "unsubscribe" | "disconnect" | "will";

interface Kind {
  /** As mqtt-packet names it. */
  readonly key: string;
  readonly form: "byte" | "flag" | "int16" | "int32" | "var" | "string" | "binary" | "pair";
  readonly of: readonly PropertyCommand[];
}

/** By mosquitto's names (v5 section 2.2.2.2). */
const kinds: Readonly<Record<string, Kind>> = {
  "authentication-data": { key: "authenticationData", form: "binary", of: ["connect"] },
  "authentication-method": { key: "authenticationMethod", form: "string", of: ["connect"] },
  "content-type": { key: "contentType", form: "string", of: ["publish", "will"] },
  "correlation-data": { key: "correlationData", form: "binary", of: ["publish", "will"] },
  "maximum-packet-size": { key: "maximumPacketSize", form: "int32", of: ["connect"] },
  "message-expiry-interval": {
    key: "messageExpiryInterval",
    form: "int32",
    of: ["publish", "will"],
  },
  "payload-format-indicator": {
    key: "payloadFormatIndicator",
    form: "flag",
    of: ["publish", "will"],
  },
  "receive-maximum": { key: "receiveMaximum", form: "int16", of: ["connect"] },
  "request-problem-information": {
    key: "requestProblemInformation",
    form: "flag",
    of: ["connect"],
  },
  "request-response-information": {
    ...{ key: "requestResponseInformation", form: "flag", of: ["connect"] },
  },
  "response-topic": { key: "responseTopic", form: "string", of: ["publish", "will"] },
  "session-expiry-interval": {
    ...{ key: "sessionExpiryInterval", form: "int32", of: ["connect", "disconnect"] },
  },
  "subscription-identifier": { key: "subscriptionIdentifier", form: "var", of: ["subscribe"] },
  "topic-alias": { key: "topicAlias", form: "int16", of: ["publish"] },
  "topic-alias-maximum": { key: "topicAliasMaximum", form: "int16", of: ["connect"] },
  "user-property": { key: "userProperties", form: "pair", of: [...propertyCommands] },
  "will-delay-interval": { key: "willDelayInterval", form: "int32", of: ["will"] },
};

/** The properties that the packets of a command may have; of an unknown command none. */
export function propertiesOf(command: string): readonly string[] {
  return Object.keys(kinds).filter((name) => kinds[name]?.of.some((one) => one === command));
}

/** Whether a property is 0 or 1. */
export function isBinary(property: string): boolean {
  return kinds[property]?.form === "flag";
}

/** Whether a property takes a key and a value. */
export function takesPair(property: string): boolean {
  return kinds[property]?.form === "pair";
}

/** The properties of one command, as mqtt-packet writes them. */
export type Properties = Omit<
  NonNullable<IPublishPacket["properties"]>,
  "subscriptionIdentifier"
> & { subscriptionIdentifier?: number } & NonNullable<IConnectPacket["properties"]> &
  NonNullable<NonNullable<IConnectPacket["will"]>["properties"]>;

/** Reads the values of all `-D` flags. Throws CliError. */
export class PropertyFlags {
  readonly #byCommand = new Map<string, Record<string, unknown>>();

  constructor(flags: readonly (readonly string[])[]) {
    for (const [command = "", name = "", ...values] of flags) {
      if (!propertyCommands.some((known) => known === command)) {
        const meant = nearest(command, propertyCommands);
        throw usageError(
          `--property: found ${quoted(command)}, allowed: ${propertyCommands.join(", ")}`,
          meant === null ? null : `did you mean ${meant}?`,
        );
      }
      this.#add(command as PropertyCommand, name, values); // It is one of them.
    }
  }

  /** Undefined: none was given. */
  of(command: PropertyCommand): Partial<Properties> | undefined {
    return this.#byCommand.get(command);
  }

  #add(command: PropertyCommand, name: string, values: readonly string[]): void {
    const kind = kinds[name];
    const flag = `--property ${command} ${name}`;
    if (kind === undefined || !kind.of.includes(command)) {
      const names = propertiesOf(command);
      const meant = nearest(name, names);
      throw usageError(
        `--property ${command}: found ${quoted(name)}, allowed: ${names.join(", ")}`,
        meant === null ? null : `did you mean ${meant}?`,
      );
    }
    const given = this.#byCommand.get(command) ?? {};
    this.#byCommand.set(command, given);
    if (kind.form === "pair") {
      // One object for each keeps their order.
      const [key = "", value = ""] = values;
      const pairs = (given[kind.key] ?? []) as object[]; // Set here.
      given[kind.key] = [...pairs, { [text(flag, key)]: text(flag, value) }];
      return;
    }
    if (given[kind.key] !== undefined)
      throw usageError(`${flag} is given twice`, "it takes one value");
    given[kind.key] = valueOf(flag, kind.form, values[0] ?? "");
  }
}

const most = { byte: 0xff, flag: 1, int16: 0xffff, int32: 0xffff_ffff, var: 268_435_455 } as const;

function valueOf(flag: string, form: Exclude<Kind["form"], "pair">, written: string): unknown {
  switch (form) {
    case "string":
      return text(flag, written);
    case "binary":
      return Buffer.from(text(flag, written));
    default: {
      const value = /^(0|[1-9]\d{0,9})$/.test(written) ? Number(written) : Number.NaN;
      if (!(value <= most[form])) {
        throw usageError(
          `${flag}: found ${quoted(written)}, allowed: a whole number from 0 to ${most[form]}`,
        );
      }
      return form === "flag" ? value === 1 : value;
    }
  }
}

/** Bytes of an MQTT string. */
const stringMax = 65_535;

function text(flag: string, written: string): string {
  if (Buffer.byteLength(written) <= stringMax) return written;
  throw usageError(`${flag}: it has more than ${stringMax} bytes`);
}
