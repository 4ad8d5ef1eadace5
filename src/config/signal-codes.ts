/** Exit codes after a signal, as shells report them: 128 plus the signal's number. */
export const signalCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A higher exit code names a signal. */
export const signalCodesBase = 128;
