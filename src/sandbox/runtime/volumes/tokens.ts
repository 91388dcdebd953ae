import type { V1ServiceAccountTokenProjection } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import type { Pod, RequestToken } from '../types.ts'

/** A kubelet's rule: a new token at 80 % of its life, or when it is a day old. */
const REFRESH_SHARE = 0.8
const REFRESH_MAX_MS = 24 * 60 * 60_000
/** core/v1 default of `expirationSeconds`. */
const DEFAULT_SECONDS = 3600

/** The ServiceAccount tokens of one pod: asked for once, then again in time. */
export interface PodTokens {
  /** @throws Error when no token can be had. */
  get(pod: Pod, source: V1ServiceAccountTokenProjection): Promise<string>
  /** When the next one has to be renewed, milliseconds since the epoch; Infinity without tokens. */
  readonly refreshAt: number
}

export function createPodTokens(requestToken: RequestToken | undefined, clock: Clock): PodTokens {
  const tokens = new Map<string, { token: string; refreshAt: number }>()
  return {
    async get(pod, source) {
      const key = `${source.audience ?? ''} ${source.expirationSeconds ?? DEFAULT_SECONDS}`
      const held = tokens.get(key)
      if (held && held.refreshAt > clock.now()) return held.token
      if (!requestToken) throw new Error('this sandbox gives no ServiceAccount tokens')
      const requested = clock.now()
      const { token, expirationTimestamp } = await requestToken({
        namespace: pod.metadata.namespace ?? '',
        serviceAccount: pod.spec.serviceAccountName ?? 'default',
        pod: { name: pod.metadata.name, uid: pod.metadata.uid },
        audiences: source.audience ? [source.audience] : [],
        expirationSeconds: source.expirationSeconds ?? DEFAULT_SECONDS,
      })
      const life = Date.parse(expirationTimestamp) - requested
      tokens.set(key, { token, refreshAt: requested + Math.min(life * REFRESH_SHARE, REFRESH_MAX_MS) })
      return token
    },
    get refreshAt() {
      return Math.min(...[...tokens.values()].map((held) => held.refreshAt), Number.POSITIVE_INFINITY)
    },
  }
}
