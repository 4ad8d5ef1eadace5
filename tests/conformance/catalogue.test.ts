import { describe, test } from "bun:test";
import { catalogue } from "./catalogue.ts";
import { casesOf, play } from "./check.ts";
import { VirtualPort } from "./virtual-port.ts";

for (const group of catalogue) {
  describe(group.name, () => {
    for (const each of casesOf([group])) {
      test(each.name, async () => play(each, new VirtualPort(each.check.needs?.options)));
    }
  });
}
