import { ClientMachine, type ClientEvent } from "../../src/client/machine.ts";
import { drawAsk, lastAsk, optionsOf } from "./ask.ts";
import type { Connection } from "./connection.ts";
import { Weights } from "./weights.ts";
import type { WorldDice } from "./world-dice.ts";
import { breakRules } from "./hostile.ts";
import { Violation } from "./journal.ts";
import { Publisher } from "./publisher.ts";
import { drawFilter, drawSubscriptions, drawTopic } from "./topics.ts";
import { largest, Voice } from "./voice.ts";
import type { Peer, World } from "./world.ts";

type Act =
  | "publish"
  | "subscribe"
  | "unsubscribe"
  | "ping"
  | "answer"
  | "rest"
  | "disconnect"
  | "trouble"
  | "breakRules"
  | "flood"
  | "half";

const never = 0xffff_ffff;

/**
 * A client as people write them: it keeps a session across connections, answers at once or later,
 * keeps its keepalive or fails to, and dies in each possible way.
 */
export class Program implements Peer {
  readonly clientId: string;
  readonly isHostile: boolean;
  isConnected = false;
  readonly #world: World;
  readonly #dice: WorldDice;
  readonly #version: 3 | 4 | 5;
  readonly #listener: number;
  readonly #prefersClean: boolean;
  /** Its delay before it answers, in acts; 0: at once. */
  readonly #laziness: number;
  readonly #acts: Weights<Act>;
  readonly #takeKey: () => number;
  readonly #publisher: Publisher;
  #machine: ClientMachine;
  #inbound = new Set<number>();
  /** The packets that it must still answer. */
  #answers: Uint8Array[] = [];
  #voice: Voice | null = null;
  #isRetired = false;

  constructor(world: World, clientId: string, isHostile: boolean, takeKey: () => number) {
    this.clientId = clientId;
    this.isHostile = isHostile;
    this.#world = world;
    this.#takeKey = takeKey;
    const { dice, options } = world;
    this.#dice = dice;
    this.#version = dice.pick([3, 4, 4, 5, 5, 5, 5] as const);
    this.#listener = dice.below(2);
    this.#prefersClean = dice.happens(0.4);
    this.#laziness = dice.pick([0, 0, 1, 5]);
    this.#publisher = new Publisher(world, this.#version, isHostile, takeKey);
    this.#machine = new ClientMachine(this.#version);
    const { troublePercent, talkative } = options;
    this.#acts = new Weights<Act>({
      publish: talkative ? 60 : 15,
      subscribe: 6,
      unsubscribe: 2,
      ping: 5,
      answer: 15,
      rest: dice.pick([2, 10, 40]),
      disconnect: Math.max(0.5, troublePercent / 4),
      trouble: troublePercent,
      breakRules: isHostile ? 4 : 0,
      half: isHostile ? 4 : 0,
      flood: dice.happens(0.2) ? 1 : 0,
    });
    this.#later();
  }

  /** Null: none, or given up. */
  get connection(): Connection | null {
    return this.#voice?.connection ?? null;
  }

  // Handles incoming data.

  received(connection: Connection, chunk: Uint8Array): void {
    const voice = this.#voice;
    if (voice === null || connection !== voice.connection) return;
    const { events, answers } = this.#machine.receive(chunk);
    for (const event of events) this.#heard(voice, event);
    for (const answer of answers) this.#answer(voice, answer);
  }

  finished(connection: Connection): void {
    connection.link.leave("fin");
    if (connection === this.connection) this.#lose();
  }

  // The end of a run.

  /** Returns once more, takes its backlog, and ends its session for good. */
  comeBack(): void {
    this.#isRetired = true;
    // Its broker died without notice.
    if (this.connection?.link.over === true) this.#lose();
    if (this.connection !== null) return;
    this.#connect(false);
  }

  answerAll(): void {
    const voice = this.#voice;
    if (voice === null) return;
    for (const answer of this.#answers.splice(0)) this.#sendAnswer(voice, answer);
  }

  sayGoodbye(): void {
    const voice = this.#voice;
    if (voice === null || !this.isConnected) return;
    this.#disconnect(voice, 0, voice.connection.ask?.expiry ? 0 : null);
  }

  /** Ends its session by starting a new one. */
  beginAnew(): void {
    if (this.connection === null) this.#connect(true);
  }

  #later(): void {
    const { agenda, now, options } = this.#world;
    const { actEvery, grid } = options;
    const at = Math.ceil((now + this.#dice.wait(actEvery)) / grid) * grid;
    agenda.at(at, () => {
      if (this.#isRetired) return;
      this.act();
      this.#later();
    });
  }

  act(): void {
    const voice = this.#voice;
    if (voice === null) return this.#connect(null);
    const { connection } = voice;
    // Its own keepalive detects, at some time, that its broker is gone.
    if (connection.link.over && this.#dice.happens(0.3)) return this.#lose();
    if (!this.isConnected && !this.#dice.happens(0.25)) {
      // A client without an answer gives up at some time.
      if (this.#dice.happens(0.05)) this.#die(connection);
      return;
    }
    if (voice.hasBegun && this.#dice.happens(0.8)) return voice.drip();
    switch (this.#acts.pick(this.#dice)) {
      case "publish":
        return this.#publisher.publish(voice);
      case "subscribe":
        return this.#subscribe(voice);
      case "unsubscribe":
        return this.#unsubscribe(voice);
      case "ping":
        return voice.send({ cmd: "pingreq" });
      case "answer":
        for (let left = this.#dice.between(1, 5); left > 0; left--) {
          const answer = this.#answers.shift();
          if (answer !== undefined) this.#sendAnswer(voice, answer);
        }
        return;
      case "rest":
        return;
      case "disconnect":
        return this.#goodbye(voice);
      case "trouble":
        return this.#fail(connection);
      case "breakRules":
        return this.#breakRules(voice);
      case "half":
        return voice.begin(this.#drawTopic(), this.#takeKey(), this.#publisher.packetSize);
      case "flood":
        return this.#flood(voice);
    }
  }

  #connect(clean: boolean | null): void {
    const { options } = this.#world;
    const who = {
      clientId: this.clientId,
      version: this.#version,
      prefersClean: this.#prefersClean,
    };
    const drawn = drawAsk(this.#dice, options, who, this.#takeKey);
    const ask = clean === null ? drawn : lastAsk(drawn, this.clientId, clean);
    const connection = this.#world.open(this, this.#listener, false);
    const machine = new ClientMachine(this.#version, this.#inbound);
    const voice = new Voice(connection, machine, this.#dice);
    this.#machine = machine;
    this.#voice = voice;
    this.#publisher.reconnected();
    // Some clients keep the state of their last connection.
    if (ask.clean || this.#dice.happens(0.7)) this.#answers = [];
    if (ask.clean) this.#forgetSession();
    if (!connection.isOpen) return;
    if (this.isHostile && clean === null && this.#dice.happens(0.08)) {
      return this.#breakRules(voice);
    }
    const bytes = machine.connect(optionsOf(ask));
    const isTooLarge = bytes.length > largest(connection.limits, bytes);
    const causes = isTooLarge ? (["packetTooLarge", "refused"] as const) : null;
    voice.sendBytes(bytes, { type: "connect", ask, causes });
  }

  #heard(voice: Voice, event: ClientEvent): void {
    switch (event.event) {
      case "connack": {
        const { packet } = event;
        const code = packet.reasonCode ?? packet.returnCode ?? 0;
        if (code !== 0) return;
        this.isConnected = true;
        this.#publisher.told(packet);
        if (packet.sessionPresent) this.#publisher.sendAgain(voice);
        else this.#forgetSession();
        return;
      }
      case "published":
        this.#publisher.finished(event.packetId);
        return;
      case "malformed":
        throw new Violation("the broker's bytes are MQTT", {
          detail: event.detail,
          to: this.clientId,
        });
      default:
    }
  }

  #forgetSession(): void {
    this.#publisher.forget();
    this.#inbound.clear();
  }

  #answer(voice: Voice, answer: Uint8Array): void {
    if (this.#isRetired || this.#laziness === 0 || this.#dice.happens(1 / (this.#laziness + 1))) {
      this.#answers.push(answer);
      for (const waiting of this.#answers.splice(0)) this.#sendAnswer(voice, waiting);
      return;
    }
    this.#answers.push(answer);
  }

  #sendAnswer(voice: Voice, bytes: Uint8Array): void {
    const type = (bytes[0] ?? 0) >> 4;
    const packetId = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    if (type === 6) this.#publisher.released(packetId);
    const name = ["puback", "pubrec", "pubrel", "pubcomp"][type - 4] ?? "puback";
    voice.sendBytes(bytes, { type: name, packetId });
  }

  #drawTopic(): string {
    return drawTopic(this.#dice, this.#world.options.topics);
  }

  #subscribe(voice: Voice): void {
    const { dice, options } = this.#world;
    const isV5 = this.#version === 5;
    const identifier = isV5 && dice.happens(0.3) ? dice.pick([1, 2, 300]) : null;
    voice.send({
      cmd: "subscribe",
      messageId: this.#publisher.takeId(),
      subscriptions: drawSubscriptions(dice, options.topics, isV5),
      ...(identifier !== null && { properties: { subscriptionIdentifier: identifier } }),
    });
  }

  /** Sometimes with closing packets. */
  #flood(voice: Voice): void {
    voice.flood(this.#drawTopic(), this.#takeKey);
    if (this.#dice.happens(0.5)) return;
    const { link } = voice.connection;
    const how = this.#dice.pick(["fin", "rst", "rst"] as const);
    this.#world.agenda.at(this.#world.now + this.#dice.below(8), () => {
      link.leave(how);
      if (this.#voice === voice) this.#lose();
    });
  }

  #unsubscribe(voice: Voice): void {
    const { dice, options } = this.#world;
    const unsubscriptions = Array.from({ length: dice.between(1, 2) }, () =>
      drawFilter(dice, options.topics),
    );
    voice.send({ cmd: "unsubscribe", messageId: this.#publisher.takeId(), unsubscriptions });
  }

  #goodbye(voice: Voice): void {
    const { dice } = this.#world;
    if (this.#version !== 5) return this.#disconnect(voice, 0, null);
    const { ask } = voice.connection;
    const mayAsk = (ask?.expiry ?? 0) > 0 && ask?.clientId !== "";
    const expiry = mayAsk && dice.happens(0.3) ? dice.pick([0, 2, 40, never]) : null;
    this.#disconnect(voice, dice.pick([0, 0, 4, 0x80]), expiry);
  }

  #disconnect(voice: Voice, reasonCode: number, expiry: number | null): void {
    voice.send({
      cmd: "disconnect",
      ...(this.#version === 5 && {
        reasonCode,
        properties: expiry === null ? {} : { sessionExpiryInterval: expiry },
      }),
    });
    this.#hangUp(voice.connection, "fin");
  }

  #fail(connection: Connection): void {
    const { dice } = this.#world;
    const { link } = connection;
    switch (
      dice.pick([
        "fin",
        "rst",
        "rst",
        "vanish",
        "vanish",
        "silence",
        "stall",
        "stall",
        "timeout",
        "split",
      ] as const)
    ) {
      case "fin":
        return this.#hangUp(connection, "fin");
      case "rst":
        return this.#hangUp(connection, "rst");
      case "vanish":
        return this.#vanish(connection);
      case "silence":
        return link.silence(dice.wait(5000), dice.pick(["up", "down", "both"] as const));
      case "stall":
        return link.stall(dice.happens(0.3) ? Infinity : dice.wait(3000));
      case "timeout":
        link.timeOut();
        return this.#lose();
      case "split":
        // Another program with the same client id connects while this one is still connected.
        link.silence(dice.happens(0.5) ? 1000 : 0, "both");
        this.#lose();
        if (dice.happens(0.5)) this.#vanishLater(connection);
        else link.leave("fin");
        return this.#connect(null);
    }
  }

  /** The keepalive, or TCP at some time, will detect the dead link. */
  #vanish(connection: Connection): void {
    connection.link.leave("vanish");
    this.#lose();
    this.#vanishLater(connection);
  }

  #vanishLater(connection: Connection): void {
    const { agenda, now } = this.#world;
    const isCertain = connection.allowedMs === Infinity || !this.isConnected;
    if (!isCertain && this.#dice.happens(0.8)) return;
    agenda.at(now + this.#dice.wait(20_000), () => connection.link.timeOut());
  }

  #die(connection: Connection): void {
    this.#hangUp(connection, this.#dice.pick(["fin", "rst"] as const));
  }

  /** All networks fail at once. */
  struck(): void {
    if (this.connection !== null) this.#die(this.connection);
    this.#connect(null);
  }

  #hangUp(connection: Connection, how: "fin" | "rst"): void {
    connection.link.leave(how);
    this.#lose();
  }

  #lose(): void {
    this.#voice = null;
    this.isConnected = false;
  }

  #breakRules(voice: Voice): void {
    const { connection } = voice;
    const isFirst = connection.sentBytes === 0;
    const wrong = breakRules(
      this.#dice,
      this.#version,
      isFirst,
      connection,
      this.#publisher.aliasesMax,
    );
    voice.sendBytes(wrong.bytes, wrong.item);
  }
}
