import type { ClientVersion } from "../client/machine.ts";
import type { NoVerdict } from "./no-verdict.ts";
import type { Stage } from "./stage.ts";

/** `must`: a normative statement. `should`: follows from the text. `ours`: allowed, users suffer. */
export type Grade = "must" | "should" | "ours";

/** What a scenario cannot do without; what is missing makes it `skipped`, with why. */
export type Need =
  | "v5"
  | "websocket"
  | "tls"
  /** Signals to a child process that is the client. */
  | "child process"
  | "network namespace"
  | "--denied-topic"
  | "--restart-command"
  | "--broker-pid"
  /** Many connections or a steady load: loopback only, or when named. */
  | "loopback";

/** One way to die, and what the broker has to make of it. */
export interface Scenario {
  readonly id: string;
  /** A few words for the table. */
  readonly title: string;
  readonly grade: Grade;
  /** In the quick set. */
  readonly quick: boolean;
  readonly needs: readonly Need[];
  /** Runs with no other scenario beside it. */
  readonly serial: boolean;
  /** May bring the broker down: runs after all others, with none beside it. */
  readonly last?: true;
  /**
   * The scenario that measures the same without what this one adds. Where that one is as late as this
   * one, this one claims no more.
   */
  readonly reference?: Scenario;
  /** The statement that decides, by protocol. */
  readonly rule: Readonly<Record<"v4" | "v5", string>>;
  /** What the client does: two or three sentences for `--show`. */
  readonly does: string;
  /** When it passes, in a clause: `the will comes at 1.5 K`. */
  readonly passes: string;
  /** How brokers get it wrong: for `--show`. */
  readonly wrong: string;
  /** What has to be known before `byHand`, or done beside it; a sentence or two. */
  readonly byHandNote?: string;
  /** Commands that show the same by hand, one a line; each can be pasted, so none is a comment. */
  readonly byHand: readonly string[];
  /** What a failure means for the user, by what was seen. */
  readonly means: Readonly<Partial<Record<Failure, string>>>;
  /** Said when it passes, where that may surprise. */
  readonly remark?: string;
  /** Plays it. Whatever it throws is judged by the runner (refused, no answer, no way there). */
  play(stage: Stage): Promise<readonly Observation[]>;
}

/** What was seen that is not right. */
export type Failure =
  /** No will within the wait. */
  | "never"
  | "early"
  | "late"
  /** More than one. */
  | "twice"
  /** A will where none is due. */
  | "spurious"
  /** It came, but not as it was given. */
  | "altered"
  /** Something else than the will is wrong: see the detail. */
  | "broken"
  /** A will came before the drop, while its client was connected. */
  | "alive"
  /** The broker died, or stopped answering. */
  | "down";

/** One thing that was expected of the broker, and what came. Times: monotonic milliseconds. */
export interface Observation {
  /** Distinguishes the arms of one scenario: `expiry 0`; empty: there is only one. */
  readonly arm: string;
  /** Of this arm; by default the scenario's. */
  readonly grade?: Grade;
  /** The statement that decides this arm; by default the scenario's. */
  readonly rule?: string;
  /** What a failure of this arm means; by default the scenario's `means`. */
  readonly means?: string;
  /** Said behind the detail, whatever the verdict. */
  readonly note?: string;
  /** Seconds: the keepalive in force, where its deadline decides. */
  readonly keepAliveSeconds?: number;
  /** The moment of the drop that times count from; by default the stage's last. */
  readonly since?: number;
  /** When a will was due; null: none was. */
  readonly due: number | null;
  /** When it may come at the latest without being late; by default due + the tolerance. */
  readonly lateAfter?: number;
  /** May be published before it is due (the link's own end may be found first). */
  readonly notBefore?: number;
  /** A will that is too early, but no earlier than this, is a finding of grade `ours`. */
  readonly early?: {
    readonly findingFrom: number;
    /** A clause behind the detail: `rounded to whole seconds`. */
    readonly note: string;
    readonly means: string;
  };
  /** The moments at which wills came, from the drop on. */
  readonly got: readonly number[];
  /** The moments at which wills came before the drop, while the client was connected. */
  readonly before?: readonly number[];
  /** Until when was watched. */
  readonly until: number;
  /** What came otherwise than it was given: `QoS 0 instead of 1`; null: nothing. */
  readonly altered: string | null;
  /** Something else that is wrong; null: nothing. */
  readonly broken: string | null;
  /** How the broker died or stopped answering; null: it is there. */
  readonly down?: string | null;
  /**
   * A stall of our own of so many milliseconds could have brought about what is wrong. By default it
   * follows from the times: see `marginOf`.
   */
  readonly marginMs?: number;
  /** Why nothing can be concluded; null: something can. */
  readonly inconclusive: string | null;
}

export type Verdict = "pass" | "fail" | "finding" | "late" | "inconclusive" | "skipped";

/** What was seen in one arm. */
export interface ArmResult {
  /** Empty: there is only one. */
  readonly arm: string;
  readonly grade: Grade;
  /** Of this arm alone. */
  readonly verdict: Exclude<Verdict, "skipped">;
  readonly failure: Failure | null;
  readonly dueMs: number | null;
  readonly gotMs: number | null;
  /** Milliseconds from the drop to the end of the watch. */
  readonly watchedMs: number;
  /** Seconds: the keepalive in force where its deadline decides, else null. */
  readonly keepAliveSeconds: number | null;
}

/** The result of one scenario in one protocol against one address. */
export interface Result {
  readonly id: string;
  readonly title: string;
  readonly protocol: ClientVersion;
  /** The address, without the password. */
  readonly target: string;
  /** Of the arm that speaks. */
  readonly grade: Grade;
  readonly verdict: Verdict;
  readonly failure: Failure | null;
  /** The arm that speaks for the scenario: the gravest. */
  readonly arm: string;
  /** Every arm that was played; empty: nothing was judged. */
  readonly arms: readonly ArmResult[];
  /** Milliseconds from the drop (the last packet, where the client falls silent) to the due time. */
  readonly dueMs: number | null;
  /** Milliseconds from the drop to the will; null: none came. */
  readonly gotMs: number | null;
  /** Milliseconds behind the due time. */
  readonly latenessMs: number | null;
  readonly rule: string;
  /** One clause: what was seen, or why nothing was concluded. */
  readonly detail: string;
  /** Why there is no verdict, for reports; null: there is one, or no report treats it apart. */
  readonly noVerdict: NoVerdict | null;
  /** What it means for the user; null: it passed. */
  readonly means: string | null;
  /** How often it was played: again where nothing could be concluded. */
  readonly tries: number;
}
