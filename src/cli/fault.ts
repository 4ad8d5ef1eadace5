/**
 * A fault of our own, for stderr: the error, its stack, and the broker's `state` if the error has
 * it.
 */
export function faultText(fault: unknown): string {
  const error = fault instanceof Error ? fault : new Error(`thrown: ${String(fault)}`);
  const what = `mqttd: a fault of its own: ${error.name}: ${error.message}\n`;
  return what + frames(error) + causes(error) + state(error);
}

/** The stack without its first lines, which repeat the message. */
function frames(error: Error): string {
  const lines = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return lines.map((line) => `${line}\n`).join("");
}

function causes(error: Error): string {
  let text = "";
  let cause = error.cause;
  // Bounded, because a chain of causes may be circular.
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    text += `  caused by ${cause.name}: ${cause.message}\n${frames(cause)}`;
    cause = cause.cause;
  }
  return text;
}

function state(error: Error): string {
  return "state" in error && typeof error.state === "string" ? `  state: ${error.state}\n` : "";
}
