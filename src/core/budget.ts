/**
 * The work done in one turn of the event loop, in units of about a microsecond. Whoever does work
 * counts it here, and gives the loop back once the budget is used up: what is left is continued in
 * a later turn. By itself it has no limit; the driver sets one for each turn.
 */
export class Budget {
  spent = 0;
  limit = Infinity;

  get isUsedUp(): boolean {
    return this.spent >= this.limit;
  }
}
