const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];

const dayMs = 86_400_000;

/**
 * What strftime(3) prints for `%` and this character, in local time and the C locale; null: it knows
 * no such conversion.
 */
export function strftime(conversion: string, time: Date): string | null {
  const hour = time.getHours();
  const halfDay = hour % 12 === 0 ? 12 : hour % 12;
  switch (conversion) {
    case "a":
      return (days[time.getDay()] ?? "").slice(0, 3);
    case "A":
      return days[time.getDay()] ?? "";
    case "b":
    case "h":
      return (months[time.getMonth()] ?? "").slice(0, 3);
    case "B":
      return months[time.getMonth()] ?? "";
    case "c":
      return all(["a", " ", "b", " ", "e", " ", "T", " ", "Y"], time);
    case "C":
      return zeros(Math.floor(time.getFullYear() / 100), 2);
    case "d":
      return zeros(time.getDate(), 2);
    case "D":
    case "x":
      return all(["m", "/", "d", "/", "y"], time);
    case "e":
      return String(time.getDate()).padStart(2);
    case "F":
      return all(["Y", "-", "m", "-", "d"], time);
    case "g":
      return zeros(isoWeek(time).year % 100, 2);
    case "G":
      return String(isoWeek(time).year);
    case "H":
      return zeros(hour, 2);
    case "I":
      return zeros(halfDay, 2);
    case "j":
      return zeros(dayOfYear(time) + 1, 3);
    case "k":
      return String(hour).padStart(2);
    case "l":
      return String(halfDay).padStart(2);
    case "m":
      return zeros(time.getMonth() + 1, 2);
    case "M":
      return zeros(time.getMinutes(), 2);
    case "n":
      return "\n";
    case "p":
      return hour < 12 ? "AM" : "PM";
    case "P":
      return hour < 12 ? "am" : "pm";
    case "r":
      return all(["I", ":", "M", ":", "S", " ", "p"], time);
    case "R":
      return all(["H", ":", "M"], time);
    case "s":
      return String(Math.floor(time.getTime() / 1000));
    case "S":
      return zeros(time.getSeconds(), 2);
    case "t":
      return "\t";
    case "T":
    case "X":
      return all(["H", ":", "M", ":", "S"], time);
    case "u":
      return String(time.getDay() === 0 ? 7 : time.getDay());
    case "U":
      return zeros(Math.floor((dayOfYear(time) + 7 - time.getDay()) / 7), 2);
    case "V":
      return zeros(isoWeek(time).week, 2);
    case "w":
      return String(time.getDay());
    case "W":
      return zeros(Math.floor((dayOfYear(time) + 7 - ((time.getDay() + 6) % 7)) / 7), 2);
    case "y":
      return zeros(time.getFullYear() % 100, 2);
    case "Y":
      return String(time.getFullYear());
    case "z":
      return zone(time);
    case "Z":
      return zoneName(time);
    case "%":
      return "%";
    default:
      return null;
  }
}

/** Conversions, and what stands between them. */
function all(parts: readonly string[], time: Date): string {
  return parts
    .map((part) => (/^[a-zA-Z]$/.test(part) ? (strftime(part, time) ?? "") : part))
    .join("");
}

function zeros(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** From 0. */
function dayOfYear(time: Date): number {
  const today = Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
  return Math.round((today - Date.UTC(time.getFullYear(), 0, 1)) / dayMs);
}

/** The week of ISO 8601, which belongs to the year of its Thursday. */
function isoWeek(time: Date): { readonly year: number; readonly week: number } {
  const today = Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
  const thursday = new Date(today + (3 - ((time.getDay() + 6) % 7)) * dayMs);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1;
  return { year, week };
}

/** `+0100` */
function zone(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${zeros(Math.floor(size / 60), 2)}${zeros(size % 60, 2)}`;
}

function zoneName(time: Date): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(time);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
