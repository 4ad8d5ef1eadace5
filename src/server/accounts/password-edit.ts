import { isBlank, linesOf, usernameOf } from "./password-file.ts";

/** The text of a password file, and whether the user had an account in it. */
export interface EditedText {
  readonly text: string;
  readonly wasThere: boolean;
}

/** Sets a user's hash. Comments, order, line ends and the lines of others stay as they are. */
export function withAccount(text: string, username: string, hash: string): EditedText {
  const { lines, end, wasThere, rest } = split(text, username);
  const line = `${username}:${hash}`;
  const place = wasThere ? lines.findIndex((other) => isOf(other, username)) : rest.length;
  return { text: joined(rest.toSpliced(place, 0, line), end), wasThere };
}

/** Removes every line of a user. */
export function withoutAccount(text: string, username: string): EditedText {
  const { end, wasThere, rest } = split(text, username);
  return { text: joined(rest, end), wasThere };
}

function split(text: string, username: string) {
  const lines = linesOf(text);
  if (lines.at(-1) === "") lines.pop();
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const rest = lines.filter((line) => !isOf(line, username));
  return { lines, end, rest, wasThere: rest.length < lines.length };
}

function isOf(line: string, username: string): boolean {
  return !isBlank(line) && usernameOf(line) === username;
}

function joined(lines: readonly string[], end: string): string {
  return lines.map((line) => line + end).join("");
}
