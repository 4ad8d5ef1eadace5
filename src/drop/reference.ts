import { duration } from "../log/duration.ts";
import type { Result } from "./scenario.ts";

/**
 * What a result may claim beside that of its reference, the same without what this scenario adds: no
 * more than is left when the reference's own failure is taken away.
 */
export function besideReference(result: Result, reference: Result, toleranceMs: number): Result {
  const { id, failure, verdict } = reference;
  if (result.verdict !== "fail" && result.verdict !== "finding" && result.verdict !== "late") {
    return result;
  }
  if (verdict === "inconclusive" || verdict === "skipped") {
    return {
      ...withoutClaim(result),
      verdict: "inconclusive",
      detail: `${id} itself is undecided`,
    };
  }
  const mayComeOfLateness = ["late", "broken", "never"].includes(result.failure ?? "");
  if (!mayComeOfLateness || (failure !== "late" && failure !== "never")) return result;
  if (failure === "never") {
    const detail = `${id} itself fails (${reference.detail}): nothing more can be told from this one`;
    return { ...withoutClaim(result), verdict: "skipped", detail };
  }
  const [own, plain] = [result.latenessMs, reference.latenessMs];
  if (own === null || plain === null || own > plain + toleranceMs) return result;
  return {
    ...result,
    verdict: "late",
    failure: "late",
    detail: `the will came ${duration(own)} late, and that of ${id} ${duration(plain)}`,
    means: `The same lateness as in ${id}: this scenario shows nothing beyond it.`,
  };
}

function withoutClaim(result: Result): Result {
  return {
    ...result,
    failure: null,
    arms: [],
    arm: "",
    dueMs: null,
    gotMs: null,
    latenessMs: null,
    means: null,
  };
}
