/** Types of a broker's answers, by name. */
const codes = {
  connack: 2,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
};

export type Answer = keyof typeof codes;

/** An answer as a number, so that comparing is cheap. */
export function owedOf(answer: Answer, packetId: number): number {
  return (codes[answer] << 16) | packetId;
}

export function isAnswer(type: string): type is Answer {
  return type in codes;
}
