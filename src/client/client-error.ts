import type { IConnackPacket } from "mqtt-packet";

/** CONNACK refused the connection: exit code 4. */
export class Refused extends Error {
  override name = "Refused";
  /** The reason code (v5) or the return code. */
  readonly code: number;
  readonly connack: IConnackPacket;

  constructor(connack: IConnackPacket) {
    const code = connack.reasonCode ?? connack.returnCode ?? 0;
    super(`CONNACK 0x${code.toString(16).padStart(2, "0")}`);
    this.code = code;
    this.connack = connack;
  }
}

/** The broker did not answer in time (exit code 5), or closed the connection instead (3). */
export class NoAnswer extends Error {
  override name = "NoAnswer";
  readonly isClosed: boolean;

  constructor(message: string, isClosed = false) {
    super(message);
    this.isClosed = isClosed;
  }
}

/** The broker sent bytes that are not MQTT, or more than the client's limits: exit code 4. */
export class InvalidAnswer extends NoAnswer {
  override name = "InvalidAnswer";
  /** What it sent, as a clause. */
  readonly detail: string;

  constructor(detail: string) {
    super(`invalid data from the broker: ${detail}`);
    this.detail = detail;
  }
}
