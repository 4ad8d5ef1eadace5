import { expect, test } from "bun:test";
import { HeadReader, headMaxBytes, parseHead } from "../../src/websocket/http-head.ts";

const request = "GET /mqtt HTTP/1.1\r\nHost: here\r\nX-A:  one \r\nx-a: two\r\n\r\n";

test("a head in pieces, and the bytes behind it", () => {
  for (let cut = 1; cut < request.length; cut++) {
    const reader = new HeadReader();
    const bytes = Buffer.from(`${request}rest`);
    const first = reader.feed(bytes.subarray(0, cut));
    if (first !== null) throw new Error(`complete after ${cut} bytes`);
    expect(reader.held).toBeGreaterThan(0);
    const found = reader.feed(bytes.subarray(cut));
    expect(Buffer.from(found?.rest ?? []).toString()).toBe("rest");
    expect(found?.head).toEqual({
      start: "GET /mqtt HTTP/1.1",
      fields: new Map([
        ["host", "here"],
        ["x-a", "one, two"],
      ]),
    });
    expect(reader.held).toBe(0);
  }
});

test("a head above 8 KiB is refused as soon as that is known, and no more is kept", () => {
  const reader = new HeadReader();
  const line = Buffer.from(`X: ${"y".repeat(995)}\r\n`);
  for (let sent = line.length; sent < headMaxBytes; sent += line.length) {
    expect(reader.feed(line)).toBe(null);
    expect(reader.held).toBeLessThanOrEqual(headMaxBytes);
  }
  expect(reader.feed(line)?.head).toBe("tooLarge");
  expect(reader.held).toBe(0);
});

test("the limit counts the head alone", () => {
  const found = new HeadReader().feed(Buffer.concat([Buffer.from(request), Buffer.alloc(20_000)]));
  expect(found?.rest.length).toBe(20_000);
});

test.each([
  ["GET / HTTP/1.1\r\nno colon"],
  ["GET / HTTP/1.1\r\n: no name"],
  ["GET / HTTP/1.1\r\nSpace : x"],
  ["GET / HTTP/1.1\r\nA: x\r\n folded: y"],
  ["GET / HTTP/1.1\r\nA: nul\0"],
  ["GET / HTTP/1.1\r\nA: bare\nB: newline"],
  ["GET /\x7f HTTP/1.1\r\nA: b"],
])("%p is malformed", (text) => {
  expect(parseHead(text)).toBe("malformed");
});

test("a head full of blanks takes no longer than another", () => {
  const text = `GET / HTTP/1.1\r\nA:${" ".repeat(8000)}x`;
  expect(parseHead(text)).toMatchObject({ fields: new Map([["a", "x"]]) });
});
