import { NameInUseError } from './carrier-api.ts'
import type { Step } from './decide.ts'
import { refusalOfAnswer, type Waiting } from './refusals.ts'

/** Work that fails again and again, whose delay the user is told of. */
export interface Delays {
  /** It failed. What to tell the user, once it has for long enough; refusals have told their reason themselves. */
  failed(uid: string, step: Step['do'], error: unknown): Waiting | undefined
  passed(uid: string): void
}

/** A gateway that restarts, a write that meets another: such faults pass by themselves before this. */
const GRACE_MS = 10_000

const reasons: Partial<Record<Step['do'], string>> = {
  create: 'CarryDelayed',
  'delete-carried': 'DeletionDelayed',
  finish: 'DeletionDelayed',
}

/** Makes the notes of delays; `elapsed` in milliseconds. */
export function createDelays(elapsed: () => number): Delays {
  const since = new Map<string, number>()
  return {
    failed(uid, step, error) {
      if (error instanceof NameInUseError || refusalOfAnswer(error)) return undefined
      const first = since.get(uid) ?? elapsed()
      since.set(uid, first)
      if (elapsed() - first < GRACE_MS) return undefined
      const message = error instanceof Error ? error.message : String(error)
      return {
        reason: reasons[step] ?? 'SyncDelayed',
        message: `it is tried again: ${message}`,
        until: 'soon',
      }
    },
    passed: (uid) => void since.delete(uid),
  }
}
