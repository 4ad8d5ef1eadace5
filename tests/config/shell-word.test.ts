import { expect, test } from "bun:test";
import { shellWord } from "../../src/config/problem.ts";
import { spawn } from "../support/child.ts";

test("a word of a command is whole, and in quotes where a shell would read it otherwise", () => {
  const long = `/tmp/${"folder/".repeat(20)}ca.crt`;
  expect(shellWord(long)).toBe(long);
  expect(shellWord("lab certs/ca.crt")).toBe("'lab certs/ca.crt'");
  expect(shellWord("it's")).toBe("'it'\\''s'");
  expect(shellWord("-f")).toBe("'-f'");
  expect(shellWord("")).toBe("''");
  expect(shellWord("a\u001b[2J")).toBe("'a\\u001b[2J'");
});

test("a shell reads the word as it was", async () => {
  for (const word of ["plain", "two words", "it's", '$HOME `id` "x"', "a;b&c|d", "*", "~"]) {
    const shell = spawn(["sh", "-c", `printf %s ${shellWord(word)}`], { stdout: "pipe" });
    expect(await new Response(shell.stdout).text()).toBe(word);
  }
});
