import type { IConnackPacket } from "mqtt-packet";
import { NoAnswer, Refused, InvalidAnswer } from "../../client/client-error.ts";
import { Client, type ConnectOptions } from "../../client/client.ts";
import { DialError } from "../../client/dial-error.ts";
import type { ClientVersion } from "../../client/machine.ts";
import type { Target } from "../../client/target.ts";

/** What a child process is to do: one line of JSON on its stdin. */
export interface ChildOrder {
  readonly target: Target;
  readonly version: ClientVersion;
  readonly connect: ConnectOptions;
}

/** What it tells: a line of JSON each on its stdout. Moments are milliseconds since the epoch. */
export type ChildWord =
  | { readonly did: "start" }
  /** A complete packet was handed to the network. */
  | { readonly did: "send"; readonly packet: "connect"; readonly at: number }
  /** Seconds in force. */
  | { readonly did: "connect"; readonly keepAliveSeconds: number }
  | { readonly did: "refused"; readonly connack: IConnackPacket }
  | { readonly did: "no answer"; readonly message: string; readonly isClosed: boolean }
  | { readonly did: "invalid answer"; readonly detail: string }
  | { readonly did: "no way"; readonly code: string; readonly message: string };

/** How long the broker may take to close after DISCONNECT. */
const disconnectMs = 300;

/**
 * The child's side: a client that connects as it is ordered, and says nothing more until it is killed
 * or its stdin ends: so it dies with its parent, and with DISCONNECT. Resolves to the exit code.
 */
export async function runChildClient(
  input: AsyncIterable<Uint8Array>,
  print: (text: string) => void,
): Promise<number> {
  // Ctrl-C reaches the whole process group; what becomes of this process is its parent's decision.
  process.on("SIGINT", () => {});
  const send = (word: ChildWord): void => print(`${JSON.stringify(word)}\n`);
  send({ did: "start" });
  let order = "";
  let playing: Promise<Client | null> | null = null;
  const decoder = new TextDecoder();
  for await (const chunk of input) {
    if (playing !== null) continue;
    order += decoder.decode(chunk, { stream: true });
    if (order.includes("\n")) playing = connected(readChildOrder(order), send);
  }
  const client = (await playing) ?? null;
  if (client !== null) await disconnect(client);
  return playing === null ? 2 : 0;
}

export function writeChildOrder(order: ChildOrder): string {
  return `${JSON.stringify(order)}\n`;
}

/** Bytes (the will's payload, the password) stand in it as Node writes a Buffer. */
function readChildOrder(line: string): ChildOrder {
  // It was written by `writeChildOrder` in the same program.
  return JSON.parse(line, (_, value: unknown) => bytesOf(value) ?? value) as ChildOrder;
}

function bytesOf(value: unknown): Buffer | null {
  if (typeof value !== "object" || value === null) return null;
  if (!("type" in value && value.type === "Buffer" && "data" in value)) return null;
  return Array.isArray(value.data) ? Buffer.from(value.data.map(Number)) : null;
}

async function connected(
  { target, version, connect }: ChildOrder,
  send: (word: ChildWord) => void,
): Promise<Client | null> {
  try {
    const client = await Client.open(target, version);
    const answered = client.connect(connect);
    send({ did: "send", packet: "connect", at: performance.timeOrigin + client.lastSentAt });
    await answered;
    send({ did: "connect", keepAliveSeconds: client.keepAliveSeconds });
    return client;
  } catch (error) {
    if (error instanceof Refused) send({ did: "refused", connack: error.connack });
    else if (error instanceof InvalidAnswer) send({ did: "invalid answer", detail: error.detail });
    else if (error instanceof NoAnswer) {
      send({ did: "no answer", message: error.message, isClosed: error.isClosed });
    } else if (error instanceof DialError) {
      send({ did: "no way", code: error.code, message: error.message });
    } else throw error;
    return null;
  }
}

/** Says goodbye; where nobody hears it any more, nothing of the connection stays in the kernel. */
async function disconnect(client: Client): Promise<void> {
  if (client.isOver) return;
  client.disconnect();
  await Promise.race([client.ended, new Promise((resolve) => setTimeout(resolve, disconnectMs))]);
  client.reset();
}
