/**
 * The publications, and how often each subscriber got them: nothing is lost, and QoS 2 arrives
 * once.
 */
export class Tally {
  /** By publisher, the QoS of each of its messages. */
  readonly #sent = new Map<string, (0 | 1 | 2)[]>();
  /** By subscriber and publisher, how often each message arrived. */
  readonly #got = new Map<string, Map<string, number[]>>();
  delivered = 0;

  /** Numbers a message; `text` is its payload. */
  send(publisher: string, qos: 0 | 1 | 2): string {
    const sent = this.#sent.get(publisher) ?? [];
    this.#sent.set(publisher, sent);
    sent.push(qos);
    return `${publisher} ${sent.length - 1}`;
  }

  addSubscriber(subscriber: string): void {
    this.#got.set(subscriber, new Map());
  }

  receive(subscriber: string, text: string): void {
    const [publisher = "", number = ""] = text.split(" ");
    const from = this.#got.get(subscriber);
    const counts = from?.get(publisher) ?? [];
    from?.set(publisher, counts);
    counts[Number(number)] = (counts[Number(number)] ?? 0) + 1;
    this.delivered += 1;
  }

  get sent(): number {
    return [...this.#sent.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** QoS 0 that a subscriber missed while offline, which is no error. */
  get qos0Missed(): number {
    return this.#count((qos, times) => qos === 0 && times === 0);
  }

  /** QoS 1 that arrived more than once, which is allowed. */
  get qos1Again(): number {
    return this.#count((qos, times) => qos === 1 && times > 1);
  }

  /** Messages of QoS 1 and 2 that some subscriber has not received. */
  get lost(): string[] {
    return this.#list((qos, times) => qos > 0 && times === 0);
  }

  /** Messages of QoS 0 and 2 that some subscriber got twice. */
  get twice(): string[] {
    return this.#list((qos, times) => qos !== 1 && times > 1);
  }

  #count(fits: (qos: number, times: number) => boolean): number {
    return this.#list(fits).length;
  }

  #list(fits: (qos: number, times: number) => boolean): string[] {
    const found: string[] = [];
    for (const [subscriber, from] of this.#got) {
      for (const [publisher, sent] of this.#sent) {
        const counts = from.get(publisher) ?? [];
        sent.forEach((qos, number) => {
          const times = counts[number] ?? 0;
          if (fits(qos, times))
            found.push(`${publisher} ${number} to ${subscriber}: ${times} x, QoS ${qos}`);
        });
      }
    }
    return found;
  }
}
