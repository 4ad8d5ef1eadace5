import type { ProtocolVersion } from "../../core/packet.ts";
import { treeOf } from "./decode.ts";
import { frameAt, type Spoken } from "./frame.ts";
import { otherSender, type PacketTree, type Sender } from "./node.ts";
import {
  compareMisfits,
  guessFrom,
  type Misfit,
  misfitBeforeConnect,
  misfitOf,
  readStream,
  sumOf,
} from "./stream.ts";

export type { PacketTree } from "./node.ts";
export { packetTreeText, sectionsText } from "./text.ts";

export interface PacketTreeOptions {
  /** `auto`: that of a CONNECT in the bytes, else the one with fewer violations. */
  readonly protocol: "auto" | ProtocolVersion;
  /** Default: the sender with fewer violations. */
  readonly from?: Sender;
  /** Show passwords and Authentication Data; the default hides them. */
  readonly secrets?: boolean;
  /** Skip bytes that are not a packet; the default decodes them as one, with violations. */
  readonly skips?: boolean;
  /** Stop after more than so many packets; default: never. */
  readonly most?: number;
}

/** The known bytes from one side of a connection. */
export interface Direction {
  readonly bytes: Uint8Array;
  /** Offsets where bytes are missing, in order. */
  readonly breaks: readonly number[];
}

/**
 * Decodes consecutive MQTT control packets, each into a tree of its fields, with each violation at
 * its field. The Remaining Length of a packet locates the next one; after an unreadable length all
 * bytes belong to that packet.
 */
export function packetTree(bytes: Uint8Array, options: PacketTreeOptions): PacketTree[] {
  return oneDirection({ bytes, breaks: [] }, options);
}

/** The packets of one direction. */
export function oneDirection(direction: Direction, options: PacketTreeOptions): PacketTree[] {
  const { from } = options;
  const spoken =
    asked(options) ??
    guessFrom((protocol) =>
      misfitBeforeConnect(read(direction, from, { protocol, by: "fits" }, options)),
    );
  return withoutGuesses(direction, read(direction, from, spoken, options), options);
}

/** The packets of one direction that `first` probably sent; the other side counts if it fits better. */
export function oneSide(
  direction: Direction,
  first: Sender,
  options: PacketTreeOptions,
): { readonly first: Sender; readonly trees: PacketTree[] } {
  const trees = oneDirection(direction, { ...options, from: first });
  if (misfitOf(trees).bytes === 0) return { first, trees };
  const swapped = otherSender(first);
  const others = oneDirection(direction, { ...options, from: swapped });
  const isBetter = compareMisfits(misfitOf(others), misfitOf(trees)) < 0;
  return isBetter ? { first: swapped, trees: others } : { first, trees };
}

/** Who sent the first of two directions, and the packets of both. */
export interface Conversation {
  readonly first: Sender;
  readonly trees: readonly [PacketTree[], PacketTree[]];
}

/**
 * The packets of both directions of one connection. The CONNECT of one decides the version of the other. `first`
 * is who probably sent the first direction; the other way round counts if it fits better.
 */
export function twoDirections(
  directions: readonly [Direction, Direction],
  first: Sender,
  options: PacketTreeOptions,
): Conversation {
  const as = (sender: Sender): Conversation & { readonly misfit: Misfit } => {
    const [one, other] = directions;
    const [client, server] = sender === "client" ? [one, other] : [other, one];
    const trees = clientAndServer(client, server, options);
    const [ofClient, ofServer] = trees;
    const ordered = sender === "client" ? trees : ([ofServer, ofClient] as const);
    return { first: sender, trees: ordered, misfit: sumOf(trees.map(misfitOf)) };
  };
  const probable = as(first);
  if (probable.misfit.bytes === 0) return probable;
  const swapped = as(otherSender(first));
  return compareMisfits(swapped.misfit, probable.misfit) < 0 ? swapped : probable;
}

function clientAndServer(
  client: Direction,
  server: Direction,
  options: PacketTreeOptions,
): readonly [PacketTree[], PacketTree[]] {
  const both = (spoken: Spoken): readonly [PacketTree[], PacketTree[]] => [
    read(client, "client", spoken, options),
    read(server, "server", spoken, options),
  ];
  const wanted = asked(options);
  if (wanted !== null) return both(wanted);
  const guessed = guessFrom((protocol) =>
    sumOf(both({ protocol, by: "fits" }).map(misfitBeforeConnect)),
  );
  const own = read(client, "client", guessed, options);
  const connect = own.find(
    ({ type, protocolBy }) => type === "CONNECT" && protocolBy === "CONNECT",
  );
  const spoken: Spoken =
    connect === undefined ? guessed : { protocol: connect.protocol, by: "CONNECT" };
  return [
    withoutGuesses(client, own, options),
    withoutGuesses(server, read(server, "server", spoken, options), options),
  ];
}

function asked({ protocol }: PacketTreeOptions): Spoken | null {
  return protocol === "auto" ? null : { protocol, by: "asked" };
}

function read(
  { bytes, breaks }: Direction,
  from: Sender | undefined,
  spoken: Spoken,
  { protocol, secrets = false, skips = false, most = Infinity }: PacketTreeOptions,
): PacketTree[] {
  const isAsked = protocol !== "auto";
  return readStream(bytes, { from, spoken, isAsked, skips, secrets, breaks, most });
}

/** PINGREQ, a DISCONNECT without a body and short acknowledgements are the same in each version. */
const sameBytesMax = 4;

/** A packet whose version is a guess and makes no difference fits them all. */
function withoutGuesses(
  { bytes }: Direction,
  trees: readonly PacketTree[],
  { from, secrets = false }: PacketTreeOptions,
): PacketTree[] {
  return trees.map((tree) => {
    const { offset, length, violations } = tree;
    const isGuess = tree.protocolBy === "fits both" && tree.note === undefined;
    if (!isGuess || length > sameBytesMax || violations.length > 0) return tree;
    const frame = frameAt(bytes, offset);
    const isSame = ([3, 4] as const).every((protocol) => {
      const spoken: Spoken = { protocol, by: "fits all" };
      const other = treeOf({ bytes, frame, spoken, connected: false, secrets }, from);
      return JSON.stringify(other.nodes) === JSON.stringify(tree.nodes);
    });
    return isSame ? { ...tree, protocolBy: "fits all" } : tree;
  });
}
