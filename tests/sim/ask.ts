import type { ClientMachine } from "../../src/client/machine.ts";
import type { Ask, WillAsk } from "./connection.ts";
import type { WorldDice } from "./world-dice.ts";
import { intruder } from "./let-in.ts";
import type { SimOptions } from "./options.ts";

const contentTypes = [null, null, "text", "application/json"] as const;
const expiries = [null, null, null, 0, 1, 3, 30] as const;

/** The next CONNECT of a program with its own client id. */
export function drawAsk(
  dice: WorldDice,
  options: SimOptions,
  who: { readonly clientId: string; readonly version: 3 | 4 | 5; readonly prefersClean: boolean },
  takeKey: () => number,
): Ask {
  const { clientId, version, prefersClean } = who;
  const isAnonymous = version !== 3 && dice.happens(0.02);
  const isV5 = version === 5;
  return {
    version,
    clientId: isAnonymous ? "" : clientId,
    // mqtt-packet writes no CONNECT with neither.
    clean: isAnonymous || dice.happens(prefersClean ? 0.7 : 0.1),
    keepAlive: dice.pick(options.keepAlives),
    username: dice.happens(0.02) ? intruder : null,
    // A session without a client id of its own cannot be resumed.
    expiry:
      isV5 && dice.happens(0.8) ? (isAnonymous ? 5 : dice.pick(options.sessionExpiries)) : null,
    receiveMaximum: isV5 && dice.happens(0.4) ? dice.between(1, 4) : null,
    maximumPacketSize: isV5 && dice.happens(0.1) ? dice.between(25, 300) : null,
    topicAliasMaximum: isV5 && dice.happens(0.3) ? dice.between(1, 3) : null,
    will: dice.happens(0.6)
      ? drawWill(dice, options, isAnonymous ? null : clientId, isV5, takeKey)
      : null,
  };
}

function drawWill(
  dice: WorldDice,
  options: SimOptions,
  clientId: string | null,
  isV5: boolean,
  takeKey: () => number,
): WillAsk {
  // Messages without a payload are identified by their topic.
  const isEmpty = clientId !== null && dice.happens(0.06);
  const name = clientId ?? "anonymous";
  return {
    topic: dice.happens(0.02) ? `denied/${name}` : isEmpty ? `w/${name}/e` : `w/${name}`,
    payload: isEmpty ? "" : payloadOf(takeKey(), dice.happens(0.05) ? options.largePayload : 0),
    qos: dice.pick([0, 1, 2] as const),
    retain: dice.happens(0.3),
    delay: isV5 ? dice.pick(options.willDelays) : 0,
    expiry: isV5 ? dice.pick(expiries) : null,
    contentType: isV5 ? dice.pick(contentTypes) : null,
  };
}

/** A payload that identifies its message. */
export function payloadOf(key: number, bytes: number): string {
  return `m${key};`.padEnd(bytes, ".");
}

export function drawContentType(dice: WorldDice): string | null {
  return dice.pick(contentTypes);
}

export function drawExpiry(dice: WorldDice): number | null {
  return dice.pick(expiries);
}

/** For a program that returns to end its session: it takes its backlog, and leaves nothing. */
export function lastAsk(drawn: Ask, clientId: string, clean: boolean): Ask {
  const expiry = drawn.version === 5 ? 60 : null;
  return { ...drawn, clientId, clean, username: null, will: null, maximumPacketSize: null, expiry };
}

type ConnectOptions = Parameters<ClientMachine["connect"]>[0];

export function optionsOf(ask: Ask): ConnectOptions {
  const { will } = ask;
  const isV5 = ask.version === 5;
  return {
    clientId: ask.clientId,
    clean: ask.clean,
    keepalive: ask.keepAlive,
    ...(ask.username !== null && { username: ask.username }),
    ...(isV5 && {
      properties: {
        ...(ask.expiry !== null && { sessionExpiryInterval: ask.expiry }),
        ...(ask.receiveMaximum !== null && { receiveMaximum: ask.receiveMaximum }),
        ...(ask.maximumPacketSize !== null && { maximumPacketSize: ask.maximumPacketSize }),
        ...(ask.topicAliasMaximum !== null && { topicAliasMaximum: ask.topicAliasMaximum }),
      },
    }),
    ...(will !== null && {
      will: {
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: will.qos,
        retain: will.retain,
        ...(isV5 && {
          properties: {
            willDelayInterval: will.delay,
            ...(will.expiry !== null && { messageExpiryInterval: will.expiry }),
            ...(will.contentType !== null && { contentType: will.contentType }),
          },
        }),
      },
    }),
  };
}
