import type { IPublishPacket } from "mqtt-packet";
import { variable } from "./bytes.ts";
import { Disagreement } from "./disagreement.ts";
import { codeOf, describe, hex, type Frame } from "./frame.ts";
import type { StatementId } from "../../src/standard/statement.ts";

/** Reason codes that a server may send, by packet (v5-2.4 and the table of each packet). */
const reasonCodes: Readonly<Record<string, { codes: readonly number[]; statement: StatementId }>> =
  {
    connack: {
      statement: "v5-3.2.2-8",
      codes: [
        0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95,
        0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
      ],
    },
    puback: {
      statement: "v5-3.4.2-1",
      codes: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    },
    pubrec: {
      statement: "v5-3.5.2-1",
      codes: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    },
    pubrel: { statement: "v5-3.6.2-1", codes: [0x00, 0x92] },
    pubcomp: { statement: "v5-3.7.2-1", codes: [0x00, 0x92] },
    disconnect: {
      statement: "v5-3.14.2-1",
      codes: [
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
        0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
      ],
    },
  };

const subackCodes = [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];
const unsubackCodes = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];

/** The low half of the first byte, of all packets but PUBLISH. */
const flags: Readonly<Record<string, number>> = { pubrel: 2 };

/** Return codes of a CONNACK of 3.1.1 (table 3.1). */
const returnCodes = [0, 1, 2, 3, 4, 5];

/** The ids of the statement in both versions, without the version; empty: none in that version. */
type Demand = (isSo: boolean, v4: string, v5: string, expected: string) => void;

/**
 * The rules for every packet that a server sends, whatever is being checked. Throws Disagreement
 * with the broken statement.
 */
export function audit(frame: Frame, version: 4 | 5): void {
  const { packet, bytes, body } = frame;
  const demand: Demand = (isSo, v4, v5, expected) => {
    const id = version === 4 ? v4 : v5;
    if (!isSo && id !== "") {
      throw new Disagreement(expected, describe(frame), `v${version}-${id}` as StatementId);
    }
  };
  const shortest = variable(bytes.length - body).length;
  demand(body - 1 === shortest, "", "1.5.5-1", `a Remaining Length of ${shortest} B`);
  if (packet.cmd === "publish") return auditPublish(packet, demand);
  const wanted = flags[packet.cmd] ?? 0;
  demand(((bytes[0] ?? 0) & 0x0f) === wanted, "2.2.2-1", "2.1.3-1", `flags ${hex(wanted)}`);
  const code = codeOf(packet);
  if (packet.cmd === "connack") {
    const isOld = bytes.length - body === 2;
    const acknowledgeFlags = bytes[body] ?? 0;
    demand(acknowledgeFlags < 2, "2.2.2-1", "3.2.2-1", "reserved bits of CONNACK that are 0");
    demand(code === 0 || acknowledgeFlags === 0, "3.2.2-4", "3.2.2-6", "Session Present 0");
    if (isOld) return demand(returnCodes.includes(code), "3.2.2-6", "", "a return code of 3.1.1");
  }
  if (packet.cmd === "disconnect") {
    const expiry = packet.properties?.sessionExpiryInterval;
    demand(expiry === undefined, "", "3.14.2-2", "no Session Expiry Interval");
  }
  const table = reasonCodes[packet.cmd];
  if (table !== undefined && version === 5 && !table.codes.includes(code)) {
    throw new Disagreement("a reason code of the table", describe(frame), table.statement);
  }
  auditCodes(frame, demand);
}

function auditPublish(packet: IPublishPacket, demand: Demand): void {
  const { qos, dup, topic, messageId } = packet;
  demand(!(qos === 0 && dup), "3.3.1-2", "3.3.1-2", "DUP 0 with QoS 0");
  demand(qos === 0 || (messageId ?? 0) > 0, "2.3.1-4", "2.2.1-4", "a packet id that is not 0");
  demand(!/[#+]/.test(topic), "3.3.2-2", "3.3.2-2", "a Topic Name without wildcards");
  const alias = packet.properties?.topicAlias;
  demand(alias !== 0, "", "3.3.2-8", "an alias that is not 0");
  demand(topic !== "" || alias !== undefined, "4.7.3-1", "4.7.3-1", "a Topic Name");
}

/** Codes of SUBACK and UNSUBACK. */
function auditCodes({ packet }: Frame, demand: Demand): void {
  if (packet.cmd === "suback") {
    const granted = packet.granted.map(Number);
    const isKnown = granted.every((code) => subackCodes.includes(code));
    demand(isKnown, "", "3.9.3-2", "reason codes of SUBACK");
    demand(
      granted.every((code) => code < 3 || code === 0x80),
      "3.9.3-2",
      "",
      "0, 1, 2 or 0x80",
    );
  }
  if (packet.cmd === "unsuback") {
    const isKnown = (packet.granted ?? []).every((code) => unsubackCodes.includes(code));
    demand(isKnown, "", "3.11.3-2", "reason codes of UNSUBACK");
  }
}
