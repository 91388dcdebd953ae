import type { V1Pod } from '@kubernetes/client-node'

/** A ServiceAccount token that a projected volume of the pod asks for. */
export interface TokenSource {
  /** Key in the pod's token Secret; unique by volume and source. */
  key: string
  /** Absent: none is sent, which means the API server's own (rule 39: "" must not be sent, and naming the API's is 403). */
  audience?: string
  /** Seconds to ask for. */
  expirationSeconds: number
}

/**
 * The injected default of 3607 is a signal between admission and API server, answered with a token that is good
 * for a year; such a token must not lie in another cluster (rule 39).
 */
const INJECTED_EXPIRY = 3607
const DEFAULT_EXPIRY = 3600
/** The API server refuses less. */
const SHORTEST_EXPIRY = 600

/** The key of one token source in the pod's token Secret. */
export function tokenKey(volume: string, sourceIndex: number): string {
  return `${volume}.${sourceIndex}`
}

/** Every token that the pod's volumes ask for. */
export function tokenSources(pod: V1Pod): TokenSource[] {
  const sources: TokenSource[] = []
  for (const volume of pod.spec?.volumes ?? []) {
    for (const [index, { serviceAccountToken }] of (volume.projected?.sources ?? []).entries()) {
      if (!serviceAccountToken) continue
      const asked = serviceAccountToken.expirationSeconds ?? DEFAULT_EXPIRY
      sources.push({
        key: tokenKey(volume.name, index),
        audience: serviceAccountToken.audience || undefined,
        expirationSeconds: asked === INJECTED_EXPIRY ? DEFAULT_EXPIRY : Math.max(asked, SHORTEST_EXPIRY),
      })
    }
  }
  return sources
}

/**
 * How long a token lives, in milliseconds, by its own `iat` and `exp`: what the difference to this machine's clock
 * says is wrong by as much as that clock is. undefined for one that is no JWT.
 */
export function tokenLifeMs(token: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const { iat, exp } = payload as { iat?: unknown; exp?: unknown }
    return typeof iat === 'number' && typeof exp === 'number' && exp > iat ? (exp - iat) * 1000 : undefined
  } catch {
    return undefined // opaque to us: the API server's own expiry is all that is known
  }
}
