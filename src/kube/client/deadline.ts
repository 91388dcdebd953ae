import { IsthmusError } from '../../protocol/errors/index.ts'
import { KubeApiError, KubeUnreachableError } from './types.ts'

/** A caller's signal and a time limit in one. */
export interface Deadline {
  /** Aborted by the caller or by the limit. */
  signal: AbortSignal
  /** Waits for what can not be aborted itself, no longer than the signal allows. */
  race<T>(promise: Promise<T>): Promise<T>
  /** What was waited for has come (or failed): the limit no longer counts, the caller's signal still does. */
  reached(): void
  /** Lets go of the caller's signal; idempotent. */
  detach(): void
  /** Whether it was the limit that ended it. */
  timedOut(): boolean
  /** The error as the caller shall see it. */
  translate(error: unknown): unknown
}

/** Couples a caller's signal with a limit of `timeoutMs`. */
export function withDeadline(caller: AbortSignal | undefined, timeoutMs: number): Deadline {
  const controller = new AbortController()
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    controller.abort(new KubeUnreachableError(`no answer within ${timeoutMs} ms`, undefined))
  }, timeoutMs)
  const onAbort = () => controller.abort(caller?.reason)
  if (caller?.aborted) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    race: (promise) =>
      new Promise((resolve, reject) => {
        const aborted = () => reject(controller.signal.reason)
        if (controller.signal.aborted) aborted()
        controller.signal.addEventListener('abort', aborted, { once: true })
        promise.then(resolve, reject).finally(() => controller.signal.removeEventListener('abort', aborted))
      }),
    reached: () => clearTimeout(timer),
    timedOut: () => timedOut,
    detach: () => caller?.removeEventListener('abort', onAbort),
    translate(error) {
      if (timedOut) return controller.signal.reason
      if (caller?.aborted) return caller.reason
      if (
        error instanceof IsthmusError ||
        error instanceof KubeApiError ||
        error instanceof KubeUnreachableError
      )
        return error
      return new KubeUnreachableError('the API server can not be reached', error)
    },
  }
}
