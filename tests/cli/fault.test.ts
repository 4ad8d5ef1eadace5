import { expect, test } from "bun:test";
import { faultText } from "../../src/cli/fault.ts";
import { AssertionFault } from "../../src/core/assert.ts";

test("a fault prints the error, its place, its cause, and the broker's state", () => {
  const cause = new AssertionFault("a will has one fate");
  const fault = Object.assign(new Error("outer", { cause }), { state: '{"sessions":[]}' });
  const text = faultText(fault);
  expect(text).toStartWith("mqttd: a fault of its own: Error: outer\n    at ");
  expect(text).toContain("fault.test.ts");
  expect(text).toContain("  caused by AssertionFault: a will has one fate\n    at ");
  expect(text).toEndWith('  state: {"sessions":[]}\n');
});

test("anything thrown is printed, and circular causes end", () => {
  expect(faultText("odd")).toStartWith("mqttd: a fault of its own: Error: thrown: odd\n");
  expect(faultText(undefined)).toContain("thrown: undefined");
  const circle = new Error("circle");
  circle.cause = circle;
  expect(faultText(circle).match(/caused by/g)).toHaveLength(5);
});
