/** Regular expressions of about 25 tests, one of each kind, for every run of CI: under 10 minutes. */
export const quick: readonly string[] = []
