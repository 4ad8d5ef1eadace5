import type { IConnackPacket, IConnectPacket, Packet } from "mqtt-packet";
import { subscribe, type Bytes } from "./bytes.ts";
import { Disagreement, holds, same, Skip } from "./disagreement.ts";
import { codeOf, describe, type Frame } from "./frame.ts";
import { Peer } from "./peer.ts";
import type { Port } from "./port.ts";
import { WebSocketPeer } from "./websocket-peer.ts";

export type ConnectOptions = Partial<Omit<IConnectPacket, "cmd" | "clientId">>;

let scenes = 0;
/** Unique to this process, so that two runs against one broker never meet. */
const run = Math.floor(Math.random() * 36 ** 5).toString(36);

/** The stage of one check: ids and topics of its own, and its clients. */
export class Scene {
  readonly version: 4 | 5;
  readonly #port: Port;
  readonly #root: string;
  readonly #peers: Peer[] = [];
  readonly #webSockets: WebSocketPeer[] = [];
  readonly #kept = new Set<string>();
  readonly #sessions = new Set<string>();

  constructor(port: Port, version: 4 | 5) {
    this.#port = port;
    this.version = version;
    scenes += 1;
    this.#root = `${run}${scenes.toString(36)}`;
  }

  /** A topic, or a filter, unique to this scene. */
  topic(name = "t"): string {
    return `c/${this.#root}/${name}`;
  }

  /** A client id unique to this scene: letters and digits, fewer than 23. */
  id(name: string): string {
    return `c${this.#root}${name}`;
  }

  /** A connection that has not sent CONNECT. */
  async open(version = this.version): Promise<Peer> {
    const peer = new Peer(this.#port, version, (packet) => this.#sent(packet));
    await peer.open();
    this.#peers.push(peer);
    return peer;
  }

  /** A connection that has become a WebSocket, without CONNECT. */
  async webSocket(): Promise<WebSocketPeer> {
    const peer = await new WebSocketPeer(this.#port, this.version).open();
    if (peer === null) throw new Skip("needs a WebSocket listener: --url ws://...");
    this.#webSockets.push(peer);
    return peer;
  }

  /** A connected client. */
  async connect(name = "a", options: ConnectOptions = {}): Promise<Peer> {
    const [peer] = await this.enter(name, options);
    return peer;
  }

  /** The same, with its CONNACK. */
  async enter(name: string, options: ConnectOptions = {}): Promise<[Peer, IConnackPacket]> {
    const peer = await this.open();
    this.sendConnect(peer, this.id(name), options);
    const connack = await peer.next("connack");
    same("CONNACK with code", codeOf(connack), 0);
    return [peer, connack];
  }

  /** A client whose session outlives its connection. */
  async persistent(name: string, options: ConnectOptions = {}): Promise<[Peer, IConnackPacket]> {
    const { properties, ...others } = options;
    return this.enter(name, {
      clean: false,
      properties: { sessionExpiryInterval: 600, ...properties },
      ...others,
    });
  }

  /** Default: Clean Start and no keepalive. */
  sendConnect(peer: Peer, clientId: string, options: ConnectOptions = {}): void {
    const { properties, ...others } = options;
    peer.clientId = clientId;
    peer.send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: peer.version,
      clean: true,
      keepalive: 0,
      ...others,
      clientId,
      ...(peer.version === 5 && properties !== undefined && { properties }),
    });
  }

  /** The broker closes the connection because of what an accepted client sends. */
  async closedBy(packet: Uint8Array, ...codes: readonly number[]): Promise<void> {
    const peer = await this.connect("closed");
    peer.bytes(packet);
    await peer.closesAt(packet, ...codes);
  }

  /** The broker refuses a first packet. Returns the CONNACK, if there is one. */
  async refused(packet: Uint8Array): Promise<Frame | null> {
    const peer = await this.open();
    peer.bytes(packet);
    return peer.refused(packet);
  }

  /** The broker refuses a filter: by the code in SUBACK, or by closing the connection. */
  async filterRefused(filter: string | Bytes): Promise<void> {
    const peer = await this.connect("filter");
    peer.bytes(subscribe(this.version, filter));
    const answered = (): boolean => peer.history.length > 1 || peer.isClosed;
    await this.#port.until(answered, this.#port.patienceMs);
    const suback = peer.history.find(({ packet }) => packet.cmd === "suback");
    if (suback === undefined || suback.packet.cmd !== "suback") return void (await peer.closes());
    const [code] = suback.packet.granted;
    holds(Number(code) >= 0x80, `no subscription to ${String(filter)}`, describe(suback));
  }

  /** Bound for a packet that is certain to arrive. */
  get patienceMs(): number {
    return this.#port.patienceMs;
  }

  async pass(milliseconds: number): Promise<void> {
    await this.#port.pass(milliseconds);
  }

  /** Waits long enough for everything under way to arrive. */
  async quiet(): Promise<void> {
    await this.#port.pass(this.#port.quietMs);
  }

  /** Waits until shortly before `milliseconds` are over. */
  async passAlmost(milliseconds: number): Promise<void> {
    await this.#port.pass(milliseconds - this.#port.marginMs);
  }

  /** Throws the errors found in packets that no check received, and cleans up. */
  async end(): Promise<void> {
    for (const peer of [...this.#peers, ...this.#webSockets]) peer.drop();
    const disagreement =
      this.#peers.find((peer) => peer.disagreement !== null)?.disagreement ?? null;
    if (this.#port.isShared) {
      await this.#clear().catch((left: unknown) => {
        // Failing to clean up does not count against the check.
        if (!(left instanceof Disagreement)) throw left;
      });
    }
    if (disagreement !== null) throw disagreement;
  }

  #sent(packet: Packet): void {
    if (packet.cmd === "publish" && packet.retain) this.#kept.add(packet.topic);
    if (packet.cmd !== "connect") return;
    if (packet.will?.retain === true) this.#kept.add(packet.will.topic);
    const expiry = packet.properties?.sessionExpiryInterval ?? 0;
    if (packet.clean !== true || expiry > 0) this.#sessions.add(packet.clientId);
  }

  /** Deletes retained messages, and ends sessions, each by a clean start of its id. */
  async #clear(): Promise<void> {
    if (this.#kept.size > 0) {
      const peer = await this.connect("clear");
      for (const topic of this.#kept) await peer.publish(topic, "", { qos: 1, retain: true });
      await this.#part(peer);
    }
    for (const clientId of this.#sessions) {
      if (clientId === "") continue;
      const peer = await this.open();
      this.sendConnect(peer, clientId);
      await peer.next("connack");
      await this.#part(peer);
    }
  }

  /** Sends DISCONNECT, and waits for the broker to handle it. */
  async #part(peer: Peer): Promise<void> {
    peer.send({ cmd: "disconnect" });
    await this.#port.until(() => peer.isClosed, this.#port.patienceMs);
    peer.drop();
  }
}
