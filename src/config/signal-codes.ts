/** Exit codes after a signal, as shells report them: 128 and the signal's number. */
export const signalCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Exit codes above it name a signal. */
export const signalCodesBase = 128;
