import { setTimeout as delay } from 'node:timers/promises'

const STEP_MS = 50

/** Asks until the answer is there. @throws an error that names `what`, with the last failure, after `seconds` */
export async function until<T>(
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    let failure: unknown
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      failure = error
    }
    if (Date.now() > end) {
      const why = failure instanceof Error ? `: ${failure.message}` : ''
      throw new Error(`not within ${seconds} s: ${what}${why}`, { cause: failure })
    }
    await delay(STEP_MS)
  }
}

/** @throws an error that says `what` did not hold */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`expected: ${what}`)
}
