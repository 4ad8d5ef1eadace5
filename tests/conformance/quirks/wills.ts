import type { IConnectPacket } from "mqtt-packet";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import type { Quirk } from "../quirky-port.ts";
import { requests } from "./change.ts";

/** Keep Alive, wills and DISCONNECT. */
export const wills: readonly Quirk[] = [
  planted("A1-no-deadline", "v4-3.1.2-24 v5-3.1.2-22 v5-3.2.2-22"),
  planted("A2-sent-packets-reset-deadline", "v4-3.1.2-24 v5-3.1.2-22"),
  planted("A4-deadline-at-1.25", "v4-3.1.2-24 v5-3.1.2-22"),
  planted("A4-only-pingreq-counts", "v4-3.1.2-24 v5-3.1.2-22"),
  planted("A4-pingreq-does-not-count", "v4-3.1.2-24 v5-3.1.2-22"),
  planted("A4-keepalive-0-has-deadline", "v4-3.1.2-24 v5-3.1.2-22"),
  planted("B1-fin-publishes-nothing", "v4-3.1.2-8 v5-3.1.2-8"),
  planted("B2-will-waits-for-session-end", "v5-3.1.2-7 v5-3.1.2-8"),
  planted("C1-disconnect-with-will-eats-will", "v5-3.1.2-8"),
  planted("C2-disconnect-with-error-eats-will", "v5-3.1.2-8"),
  planted("C2-protocol-error-eats-will", "v4-3.1.2-8 v5-3.1.2-8"),
  planted("C3-clean-disconnect-publishes", "v4-3.1.2-10 v4-3.14.4-3 v5-3.1.2-10 v5-3.14.4-3"),
  planted("D1-takeover-loses-will", "v4-3.1.2-8 v5-3.1.2-8"),
  planted("D1-clean-takeover-loses-will", "v4-3.1.2-8 v5-3.1.2-8"),
  planted("D2-clean-takeover-loses-delayed-will", "v5-3.1.2-8"),
  planted("E1-delay-ignored", "v5-3.1.2-7 v5-3.1.2-8 v5-3.1.3-9"),
  planted("E2-return-does-not-cancel", "v5-3.1.3-9"),
  planted("E3-session-end-does-not-cut-delay", "v5-3.1.2-8"),
  planted("F-qos-lowered", "v4-3.1.2-9 v4-3.1.2-14 v5-3.1.2-12"),
  planted("F-retain-dropped", "v4-3.1.2-17 v5-3.1.2-15"),
  planted("F-properties-dropped", "v5-3.1.3-10"),
  planted("F-published-twice", "v4-3.1.2-8 v4-3.1.2-10 v5-3.1.2-8 v5-3.1.2-10"),
  planted("G-invalid-will-taken", "v4-4.7.1-1 v4-4.7.3-1 v5-4.7.0-1 v5-4.7.3-1"),
  requests("wills are forgotten", "v4-3.1.2-8 v5-3.1.2-7", "connect", ({ will: _, ...packet }) => [
    packet,
  ]),
  willed("a will takes other words for its own", "v4-3.1.3-1 v5-3.1.3-1", {
    payload: Buffer.from("name"),
  }),
  willed("wills are always retained", "v4-3.1.2-16 v5-3.1.2-14", { retain: true }),
  requests("a will comes of nothing", "v4-3.1.2-12", "connect", (packet) => {
    const [, root] = /^c(.*)mortal$/.exec(packet.clientId) ?? [];
    if (packet.will !== undefined || root === undefined) return [packet];
    const will = { topic: `c/${root}/t`, payload: Buffer.from("made up") };
    return [{ ...packet, will: { ...will, qos: 0, retain: false } }];
  }),
  requests(
    "DISCONNECT 0x00 is not heard",
    "v4-3.1.2-10 v4-3.14.4-3 v5-3.1.2-10 v5-3.14.4-3",
    "disconnect",
    (packet) => ((packet.reasonCode ?? 0) === 0 ? [] : [packet]),
  ),
  requests("every DISCONNECT is taken for 0x00", "v5-3.1.2-8", "disconnect", (packet) => [
    { ...packet, reasonCode: 0 },
  ]),
  requests(
    "an expiry in DISCONNECT is not heard",
    "v5-3.1.2-23 v5-4.1.0-2",
    "disconnect",
    ({ properties: _, ...packet }) => [packet],
  ),
];

/** A broker whose rules have the quirk. */
function planted(quirk: PlantedQuirk, breaks: string): Quirk {
  return { name: quirk, breaks, options: { rules: plantedQuirks[quirk] } };
}

/** Changes every will. */
function willed(
  name: string,
  breaks: string,
  more: Partial<NonNullable<IConnectPacket["will"]>>,
): Quirk {
  return requests(name, breaks, "connect", (packet) => {
    const { will } = packet;
    return [will === undefined ? packet : { ...packet, will: { ...will, ...more } }];
  });
}
