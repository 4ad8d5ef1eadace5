import { reasonName } from "../core/reason.ts";
import { name } from "../log/foreign.ts";
import type { TalkRequest } from "./request.ts";

/** What the client has sent to end its connection, and what that means for its will. */
export function goodbyeText({ version, connect, goodbye }: TalkRequest): string {
  const { disconnects, reasonCode } = goodbye;
  if (!disconnects) return `closed the connection without DISCONNECT: ${willText(true, connect)}`;
  const hex = `0x${reasonCode.toString(16).padStart(2, "0")}`;
  const sent =
    version < 5
      ? "DISCONNECT"
      : `DISCONNECT ${hex} (${reasonCode === 0 ? "normal disconnection" : reasonName(reasonCode)})`;
  return `sent ${sent}: ${willText(reasonCode !== 0, connect)}`;
}

function willText(isPublished: boolean, { will }: TalkRequest["connect"]): string {
  if (will === undefined) return "this client has no will";
  const topic = name(will.topic);
  if (!isPublished) return `the broker discards the will on ${topic} (see --no-disconnect)`;
  const delay = will.properties?.willDelayInterval ?? 0;
  const when = delay === 0 ? "" : ` after ${delay} s, or when its session ends`;
  return `the broker publishes the will on ${topic}${when}`;
}
