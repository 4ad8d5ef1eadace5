import { expect } from "bun:test";
import { generate, type IConnectPacket, type Packet } from "mqtt-packet";
import type { Rules } from "../../src/core/quirks/rules.ts";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { stateOfBroker, stateOfStore } from "../support/durable-state.ts";
import type { ShadowStore } from "../support/shadow-store.ts";
import { World } from "../support/world.ts";
import type { Act, ActOf } from "./naive-acts.ts";
import { NaiveBroker } from "./naive-broker.ts";
import { lineOf } from "./naive-line.ts";
import type { Witness } from "./naive-outbox.ts";
import { isPublish, listen, type Program, type Socket } from "./naive-socket.ts";

export interface PlayOptions {
  readonly clients: number;
  readonly rules?: Partial<Rules>;
  /** The broker keeps what outlives it in this. */
  readonly store?: ShadowStore;
}

/**
 * Plays the same acts to the broker and to the naive broker. After each act, and at each moment at
 * which something is due in the model, both must have sent each connection the same: its PUBLISHes
 * in order, and its other packets in order. The interleaving of the two is free: the standards do
 * not say whether a PUBACK precedes the messages that its PUBLISH caused.
 *
 * Moments: each act takes a millisecond, and every time span of a history is a multiple of half a
 * second. So one act is the origin of everything that is due at one moment, and the order in which
 * a broker handles several clients at one moment, which the standards leave open, does not arise.
 */
export class Play {
  readonly world: World;
  readonly model: NaiveBroker;
  /** How often each kind of line occurred, for tests that check what they reach. */
  readonly tally = new Map<string, number>();
  readonly #programs: Program[];
  readonly #sockets: Socket[] = [];
  #payloads = 0;

  readonly #store: ShadowStore | null;

  constructor({ clients, rules = {}, store }: PlayOptions) {
    const commit = store?.committer((work) => this.world.soon(work));
    this.world = new World({ rules, ...(commit !== undefined && { commit }) });
    this.#store = store ?? null;
    // One more: the stranger of `finish`.
    this.#programs = Array.from({ length: clients + 1 }, () => ({
      socket: null,
      owed: [],
      lastId: 0,
    }));
    this.model = new NaiveBroker(this.#witness());
  }

  run(act: Act): void {
    this.#pass(1);
    if (act.act === "advance") return this.#pass(act.milliseconds);
    const program = this.#programs[act.client];
    if (program === undefined) throw new Error(`there is no client ${act.client}`);
    if (act.act === "connect") return this.#connect(act, program);
    const connected = this.#programs.filter(({ socket }) => socket?.isOpen === true);
    const who = connected.includes(program) ? program : connected[act.client % connected.length];
    if (who?.socket) this.#act(act, who, who.socket);
  }

  /**
   * Reveals hidden state: a stranger subscribes to everything retained, every client returns and
   * takes its backlog. Then nothing may be left of any client.
   */
  finish(): void {
    const stranger = this.#programs.length - 1;
    this.run(connection({ client: stranger, clean: true }));
    const filters = ["#", "$x/#"].map((topic) => ({ ...everything, topic }));
    this.run({ act: "subscribe", client: stranger, filters, identifier: null });
    this.run({ act: "advance", milliseconds: 60_000 });
    for (const [client, program] of this.#programs.entries()) {
      this.run(connection({ client, clean: false }));
      while (program.socket?.isOpen === true && program.owed.length > 0) {
        this.run({ act: "acknowledge", client, which: 0, refuses: false });
      }
    }
    auditAtEnd(this.world);
  }

  #act(act: Exclude<Act, ActOf<"advance" | "connect">>, program: Program, socket: Socket): void {
    const { model, world } = this;
    switch (act.act) {
      case "publish":
        return this.#publish(act, program, socket);
      case "subscribe":
        return this.#send(socket, {
          cmd: "subscribe",
          messageId: ++program.lastId,
          subscriptions: act.filters.map((filter) => ({ ...filter })),
          ...(socket.version === 5 &&
            act.identifier !== null && { properties: { subscriptionIdentifier: act.identifier } }),
        });
      case "unsubscribe": {
        const unsubscriptions = [...act.filters];
        const messageId = ++program.lastId;
        return this.#send(socket, { cmd: "unsubscribe", messageId, unsubscriptions });
      }
      case "acknowledge":
        return this.#acknowledge(act, program, socket);
      case "stray": {
        const refuses = act.refuses && act.cmd === "pubrec" && socket.version === 5;
        const reasonCode = refuses ? 0x80 : 0;
        return this.#send(socket, { cmd: act.cmd, messageId: act.id, reasonCode });
      }
      case "ping":
        return this.#send(socket, { cmd: "pingreq" });
      case "begin":
        return this.#begin(socket);
      case "violate":
        return this.#send(socket, secondConnect(socket.version));
      case "kick":
        world.driver.order({ type: "kicked", clientId: socket.clientId });
        world.check();
        model.kicked(socket.clientId, world.now);
        return this.#compare();
      case "drop":
        return this.#drop(socket, act.how);
      case "disconnect":
        return this.#send(socket, {
          cmd: "disconnect",
          ...(socket.version === 5 && {
            reasonCode: act.reason,
            properties: act.expiry === null ? {} : { sessionExpiryInterval: act.expiry },
          }),
        });
    }
  }

  #connect(act: ActOf<"connect">, program: Program): void {
    const packet = this.#connectPacket(act);
    const before = program.socket;
    if (before?.isOpen === true && before.clientId !== packet.clientId) {
      // A takeover of its own id would not end that connection.
      this.#drop(before, "eof");
      this.#pass(1);
    }
    const client = this.world.open();
    const connack = client.connect(packet);
    const socket: Socket = {
      number: this.#sockets.length,
      client,
      program,
      version: act.version,
      clientId: packet.clientId || this.#assignedTo(client),
      aliases: new Map(),
      aliasMaximum: packet.properties?.topicAliasMaximum ?? 0,
      isOpen: true,
      begun: null,
      // The comparison removed it; put it back at its required place.
      heard: connack === undefined ? [] : [connack],
    };
    this.#sockets.push(socket);
    program.socket = socket;
    // The broker resends its messages; a PUBREL is the client's to resend.
    if (!act.remembers) program.owed = program.owed.filter(({ cmd }) => cmd === "pubrel");
    this.model.receive(socket.number, packet, this.world.now);
    this.#compare();
  }

  /** A v4 client does not learn its assigned client id; the operator can see it. */
  #assignedTo(client: TestClient): string {
    const { connections } = this.world.broker.view();
    return connections.find(({ remote }) => remote === client.remote)?.clientId ?? "";
  }

  #connectPacket(act: ActOf<"connect">): IConnectPacket {
    const isV5 = act.version === 5;
    const { will } = act;
    return {
      cmd: "connect",
      clientId: act.anonymous ? "" : `c${act.client}`,
      protocolVersion: act.version,
      // mqtt-packet writes no CONNECT without both.
      clean: act.clean || act.anonymous,
      keepalive: act.keepAlive,
      ...(isV5 && {
        properties: {
          ...(act.expiry !== null && { sessionExpiryInterval: act.expiry }),
          ...(act.receiveMaximum !== null && { receiveMaximum: act.receiveMaximum }),
          ...(act.packetSize !== null && { maximumPacketSize: act.packetSize }),
          ...(act.aliases !== null && { topicAliasMaximum: act.aliases }),
        },
      }),
      ...(will !== null && {
        will: {
          topic: will.topic,
          payload: will.isEmpty ? "" : `w${this.#payloads++}`,
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

  #publish(act: ActOf<"publish">, program: Program, socket: Socket): void {
    const { topic, qos, retain, size, expiry, contentType, again } = act;
    if (!again || program.lastId === 0) program.lastId += 1;
    const alias = socket.version === 5 ? act.alias : null;
    const text = `p${this.#payloads++}`;
    this.#send(socket, {
      cmd: "publish",
      topic: alias !== null && act.nameless ? "" : topic,
      payload: { empty: "", small: text.padEnd(6, "."), large: text.padEnd(100, ".") }[size],
      qos,
      retain,
      dup: again && qos > 0,
      messageId: program.lastId,
      ...(socket.version === 5 && {
        properties: {
          ...(alias !== null && { topicAlias: alias }),
          ...(expiry !== null && { messageExpiryInterval: expiry }),
          ...(contentType !== null && { contentType }),
        },
      }),
    });
  }

  #acknowledge(act: ActOf<"acknowledge">, program: Program, socket: Socket): void {
    const count = act.which === "all" ? program.owed.length : 1;
    for (let times = 0; times < count; times++) {
      const place = act.which === "all" ? 0 : act.which % Math.max(1, program.owed.length);
      const [owed] = program.owed.splice(place, 1);
      if (owed === undefined || !socket.isOpen) return;
      const refuses = act.refuses && owed.cmd === "pubrec" && socket.version === 5;
      this.#send(socket, { ...owed, reasonCode: refuses ? 0x80 : 0 });
    }
  }

  /** Part of a packet is no packet: the model ignores it. */
  #begin(socket: Socket): void {
    if (socket.begun !== null) return;
    const payload = `p${this.#payloads++}`.padEnd(2000, ".");
    const publish = { cmd: "publish", topic: "parts", payload, qos: 0, dup: false } as const;
    const packet = { ...publish, retain: false };
    const bytes = generate(packet, { protocolVersion: socket.version });
    socket.begun = { packet, rest: bytes.subarray(100) };
    socket.client.sendBytes(bytes.subarray(0, 100));
    this.#compare();
  }

  #send(socket: Socket, packet: Packet): void {
    const { begun } = socket;
    if (begun !== null) {
      socket.begun = null;
      socket.client.sendBytes(begun.rest);
      this.model.receive(socket.number, begun.packet, this.world.now);
      this.#compare();
    }
    socket.client.send(packet);
    this.model.receive(socket.number, packet, this.world.now);
    this.#compare();
  }

  /** Stops a millisecond before each moment at which something is due, and at that moment. */
  #pass(milliseconds: number): void {
    const until = this.world.now + milliseconds;
    while (this.world.now < until) {
      const next = Math.min(this.model.due, until);
      for (const moment of [Math.max(this.world.now, next - 1), next]) {
        this.world.advance(moment - this.world.now);
        this.model.pass(moment);
        this.#compare();
      }
    }
  }

  #drop(socket: Socket, how: "eof" | "reset" | "timeout"): void {
    socket.isOpen = false;
    socket.client.drop(how);
    this.model.closed(socket.number, this.world.now);
    this.#compare();
  }

  #witness(): Witness {
    return {
      nextOn: (number) => {
        const socket = this.#sockets[number];
        if (socket === undefined) return undefined;
        listen(socket);
        const told = this.model.out.said.filter(
          ({ to, packet }) => to === number && isPublish(packet),
        );
        return socket.heard.filter(isPublish)[told.length];
      },
      waitingFor: (clientId) => {
        const queue = this.world.broker.sessions.get(clientId)?.queue;
        const messages = [...(queue?.items() ?? [])].map(
          ({ message: { topic, payload } }) => `${topic}=${Buffer.from(payload).toString()}`,
        );
        return { all: queue?.count ?? 0, qos0: queue?.qos0 ?? 0, messages };
      },
      assignedTo: (number) => this.#sockets[number]?.clientId ?? "",
    };
  }

  #compare(): void {
    const heard: Record<string, string[]> = {};
    const said: Record<string, string[]> = {};
    for (const socket of this.#sockets) {
      const name = `connection ${socket.number} of ${socket.clientId}`;
      const model = this.model.out.said.filter(({ to }) => to === socket.number);
      const isClosed = socket.isOpen && socket.client.closedBy !== null;
      listen(socket);
      const real = [...socket.heard, ...(isClosed ? (["closed"] as const) : [])];
      socket.heard = [];
      if (isClosed) socket.isOpen = false;
      if (model.length === 0 && real.length === 0) continue;
      heard[name] = inTwoOrders(real);
      said[name] = inTwoOrders(model.map(({ packet }) => packet));
      for (const line of heard[name]) this.#count(line);
    }
    this.model.out.said = [];
    expect(heard).toEqual(said);
    if (this.#store === null) return;
    // All commits are done, so the store has what the broker has.
    expect(stateOfStore(this.#store.load())).toEqual(stateOfBroker(this.world.broker));
  }

  /** By its first word (a DISCONNECT with its code) and by each of its marks. */
  #count(line: string): void {
    const [first = "", ...marks] = line.split(", ");
    const word = first.startsWith("disconnect") ? first : first.split(" ", 1)[0];
    for (const each of [word, ...marks.map((mark) => mark.split(" ", 1)[0])]) {
      this.tally.set(each ?? "", (this.tally.get(each ?? "") ?? 0) + 1);
    }
  }
}

/** The PUBLISHes in order, then the others in order. */
function inTwoOrders(packets: readonly (Packet | "closed")[]): string[] {
  const publishes = packets.filter(isPublish);
  return [...publishes, ...packets.filter((packet) => !isPublish(packet))].map(lineOf);
}

const everything = { qos: 2, nl: false, rap: true, rh: 0 } as const;

/** A connection that accepts everything. */
function connection(who: { client: number; clean: boolean }): ActOf<"connect"> {
  return {
    act: "connect",
    ...who,
    version: 5,
    anonymous: false,
    keepAlive: 0,
    expiry: null,
    receiveMaximum: null,
    packetSize: null,
    aliases: null,
    remembers: false,
    will: null,
  };
}

function secondConnect(protocolVersion: 4 | 5): IConnectPacket {
  return {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion,
    clientId: "another",
    clean: true,
    keepalive: 0,
  };
}
