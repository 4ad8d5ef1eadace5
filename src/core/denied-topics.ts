/** Topics of one connection on which a denied PUBLISH is logged. */
const topicsLogged = 20;
/** Characters of a topic that are remembered; longer ones that begin alike count as one. */
const charactersKept = 256;

/** Which denied PUBLISHes of a connection are logged: the first on each of its first topics. */
export class DeniedTopics {
  #topics: Set<string> | null = null;

  /** `known`: not to be logged. `last`: to be logged, and no further topics are. */
  count(topic: string): "new" | "last" | "known" {
    this.#topics ??= new Set();
    const topics = this.#topics;
    const key = topic.length <= charactersKept ? topic : topic.slice(0, charactersKept);
    if (topics.size >= topicsLogged || topics.has(key)) return "known";
    topics.add(key);
    return topics.size === topicsLogged ? "last" : "new";
  }
}
