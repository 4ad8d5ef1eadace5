/** Topics of one connection on which a denied PUBLISH is logged. */
const topicsLogged = 20;

/** Which denied PUBLISHes of a connection are logged: the first on each of its first topics. */
export class DeniedTopics {
  /** Hashes, since clients choose the topics: of two with one hash, the second is not logged. */
  readonly #seen: number[] = [];

  /** `known`: not to be logged. `last`: to be logged, and no further topics are. */
  count(topic: string): "new" | "last" | "known" {
    const seen = this.#seen;
    if (seen.length >= topicsLogged) return "known";
    const hash = hashOf(topic);
    if (seen.includes(hash)) return "known";
    seen.push(hash);
    return seen.length === topicsLogged ? "last" : "new";
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}
