/** What one check found. */
export interface Finding {
  /** What was looked at, such as `gateway TLS`; the same in every run. */
  check: string
  state: 'ok' | 'warn' | 'fail'
  /** What was seen. */
  message: string
  /** What to do about it; always there beside `warn` and `fail`. */
  remedy?: string
}

/** The findings of one subject, each named under it. */
export function findingsOf(subject: string) {
  return {
    ok: (what: string, message: string): Finding => ({ check: `${subject} ${what}`, state: 'ok', message }),
    warn: (what: string, message: string, remedy: string): Finding => ({
      check: `${subject} ${what}`,
      state: 'warn',
      message,
      remedy,
    }),
    fail: (what: string, message: string, remedy: string): Finding => ({
      check: `${subject} ${what}`,
      state: 'fail',
      message,
      remedy,
    }),
  }
}

/** The text of an error without its stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
