import { setting } from "../../log/duration.ts";
import { accepted, type Advice, ruleFor, type Scene, sentence } from "./parts.ts";

/** Connections in a row that have to end alike. */
const inRow = 3;

/** Its connections end by the keepalive again and again, and none of them pinged: it sleeps, or never pings. */
export function sleeper({ answer }: Scene): Advice | null {
  const latest = accepted(answer)
    .filter(({ end }) => end !== null)
    .slice(0, inRow);
  const [newest] = latest;
  if (newest === undefined || latest.length < inRow) return null;
  const isMute = latest.every(
    ({ end, pings, lastPacket, dropped, incomplete, stoodStillInAllMs }) =>
      end?.cause === "keepAliveExpired" &&
      pings === null &&
      !["CONNECT", "PINGREQ"].includes(lastPacket.type) &&
      dropped === null &&
      incomplete === undefined &&
      stoodStillInAllMs === undefined,
  );
  if (!isMute) return null;
  const text =
    `Its last ${inRow} connections ended because it fell silent, and it pinged on none of them until ` +
    `then. If it sleeps between messages, let it send DISCONNECT before it sleeps, or ask for a ` +
    `keepalive that is longer than its sleep (it asks for ${setting(newest.keepAliveAskedSeconds * 1000)}). ` +
    `If it does not sleep, its program has to run the network loop of its library, which pings.`;
  return {
    topic: "sleepsWithoutDisconnect",
    ...sentence(text, ruleFor(newest, "3.1.2-23", "3.1.2-20")),
  };
}
