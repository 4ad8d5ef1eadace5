import { dotted, pathOf } from "../config/keys.ts";
import { settableKeys } from "../config/settable.ts";
import { attached, described, nothing, type Offer, wordsOf } from "./offer.ts";

/** What `--set` may be followed by: every key of the configuration, then the values of some. */
export function settingOffer(current: string): Offer {
  // Lists are offered at the index that is typed.
  const keys = settableKeys(Number(/[.[](\d{1,3})(?=[.\]])/.exec(current)?.[1] ?? 0));
  const equals = current.indexOf("=");
  if (equals < 0) return described(keys.map(({ path, text }) => [`${path}=`, text]));
  const path = dotted(pathOf(current.slice(0, equals)));
  const key = keys.find((other) => other.path === path);
  if (key === undefined) return nothing;
  return attached(current.slice(0, equals + 1), wordsOf(key.words));
}
