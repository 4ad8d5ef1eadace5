import type { Reach, ReachLoss } from "../../core/events.ts";
import { counted } from "../../log/counted.ts";
import { name } from "../../log/foreign.ts";
import { type Advice, sentence } from "./parts.ts";

/** What to change about the subscribers that lost a will, for each cause once. */
export function droppedCopies({ dropped, losses = [] }: Reach, topic: string): Advice[] {
  if (losses.length === 0) return [unnamed(dropped, topic)];
  const causes = new Set(losses.map(({ why }) => why));
  const texts = [...causes].map((why) => byCause[why](losses.filter((loss) => loss.why === why)));
  return [
    {
      topic: "droppedCopies",
      ...sentence(texts.join(" "), causes.has("packet too large") ? "v5-3.1.2-25" : null),
    },
  ];
}

const byCause: Record<ReachLoss["why"], (losses: readonly ReachLoss[]) => string> = {
  "packet too large": (losses) => {
    const sizes = losses.map(({ maximumPacketSize = 0 }) => maximumPacketSize);
    const largest = Math.max(...sizes);
    return (
      `${namesOf(losses)} told the broker in CONNECT to send no packet above ` +
      `${counted(largest, "byte")} (Maximum Packet Size), and the will is larger: let ` +
      `${each(losses)} ask for more, or give the will a shorter payload.`
    );
  },
  "queue full": (losses) =>
    `The queue of ${namesOf(losses)} was full (limits.queuedMessages, limits.queuedBytes): let ` +
    `${each(losses)} come back or acknowledge sooner, subscribe to less, or give this broker a higher limit.`,
  "memory full": (losses) =>
    `The broker had little memory left (limits.memory), and then a message of QoS 0 does not wait ` +
    `for ${namesOf(losses)}: give both the will and the subscription QoS 1, or this broker a higher limit.`,
  blocked: (losses) =>
    `${namesOf(losses)} did not read what the broker sent, and a message of QoS 0 does not wait ` +
    `for that: give both the will and the subscription QoS 1.`,
};

function namesOf(losses: readonly ReachLoss[]): string {
  const named = losses.slice(0, 3).map(({ clientId }) => name(clientId));
  const more = losses.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function each(losses: readonly ReachLoss[]): string {
  return losses.length === 1 ? "it" : "them";
}

/** Of a broker that is older than the names. */
function unnamed(dropped: number, topic: string): Advice {
  const text =
    `Look at the ${counted(dropped, "subscriber")} for whom it was dropped: a full queue, a Maximum ` +
    `Packet Size below the message, or a connection that takes no data. \`mqttd inspect subscriptions ` +
    `${name(topic)}\` names them.`;
  return { topic: "droppedCopies", ...sentence(text) };
}
