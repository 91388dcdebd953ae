/** How long `eventually` waits by default, in milliseconds: generous, since a passing test never waits that long. */
const DEADLINE_MS = 30_000
const STEP_MS = 20

/** What is left of a type once it is truthy. */
type Truthy<T> = Exclude<T, false | '' | 0 | null | undefined>

/**
 * Calls `check` until it returns a truthy value, and returns that value.
 * Tests use it instead of sleeping: it ends as soon as the guarantee holds.
 * @throws the last error of `check`, or one that names `what`, once `deadlineMs` has passed.
 */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Truthy<T>> {
  const end = Date.now() + deadlineMs
  for (;;) {
    let failure: unknown
    try {
      const value = await check()
      if (value) return value as Truthy<T>
    } catch (error) {
      failure = error
    }
    if (Date.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: failure })
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
}
