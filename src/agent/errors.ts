import { isKubeApiError, KubeUnreachableError } from '../kube/index.ts'

/** What a 429 or 503 asks to wait, in milliseconds; undefined: the back-off decides. */
export function retryDelay(error: unknown): number | undefined {
  return isKubeApiError(error) && error.retryAfterSeconds !== undefined
    ? error.retryAfterSeconds * 1000
    : undefined
}

/** Whether nothing is known of what happened: no answer, or one that says "not now". Unreachable is not NotFound. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof KubeUnreachableError ||
    (isKubeApiError(error) && (error.code >= 500 || error.code === 429 || error.code === 401))
  )
}
