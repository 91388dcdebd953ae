import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { V1TokenReview } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { createTtlCache } from '../../lib/ttl-cache.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { createReviewBudget } from './review-budget.ts'

/** Who calls the kubelet port. */
export interface Caller {
  user: string
  groups: string[]
  uid?: string
  extra?: Record<string, string[]>
}

/** Returns undefined for nobody in particular: there are no anonymous calls. @throws when the API server does not answer */
export type Authenticate = (req: IncomingMessage) => Promise<Caller | undefined>

/** As a kubelet's `authentication.webhook.cacheTTL`. */
const TTL_MS = 2 * 60_000

/** The subject of a client certificate that the client CA has signed: CN is the user, each O a group. */
function byCertificate(req: IncomingMessage): Caller | undefined {
  const socket = req.socket as TLSSocket
  if (!socket.authorized) return undefined
  const subject = socket.getPeerCertificate().subject as
    | { CN?: string | string[]; O?: string | string[] }
    | undefined
  const user = Array.isArray(subject?.CN) ? subject.CN[0] : subject?.CN
  if (!user) return undefined
  const groups = subject?.O === undefined ? [] : Array.isArray(subject.O) ? subject.O : [subject.O]
  return { user, groups: [...groups, 'system:authenticated'] }
}

function bearerOf(req: IncomingMessage): string | undefined {
  return /^Bearer ([\x21-\x7e]+)$/i.exec(req.headers.authorization ?? '')?.[1]
}

/**
 * By client certificate, else by a bearer token that the user's API server reviews: once in two minutes, whether it is
 * good or not, and junk in bounded numbers (`createReviewBudget`).
 * @throws IsthmusError too_many_requests when the caller's address has sent too many that are not good
 */
export function createAuthenticate(options: { user: Pick<KubeClient, 'json'>; clock: Clock }): Authenticate {
  const cache = createTtlCache<Caller | undefined>({ elapsed: () => options.clock.elapsed(), max: 5_000 })
  const budget = createReviewBudget(options.clock)

  async function review(token: string): Promise<Caller | undefined> {
    const { status } = await options.user.json<V1TokenReview>({
      method: 'POST',
      path: ['apis', 'authentication.k8s.io', 'v1', 'tokenreviews'],
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
      timeoutMs: 10_000,
    })
    const user = status?.user
    if (!status?.authenticated || !user?.username) return undefined
    return { user: user.username, groups: user.groups ?? [], uid: user.uid, extra: user.extra }
  }

  return async (req) => {
    const caller = byCertificate(req)
    if (caller) return caller
    const token = bearerOf(req)
    if (!token) return undefined
    const key = createHash('sha256').update(token).digest('base64')
    return cache.get(key, async () => {
      const taken = budget.take(req.socket.remoteAddress ?? '')
      if (!taken) {
        throw new IsthmusError(
          'too_many_requests',
          'too many tokens that are not good came from this address',
          {
            retryAfterSeconds: 5,
          },
        )
      }
      const value = await review(token)
      if (value) taken.giveBack()
      return { value, ttlMs: TTL_MS }
    })
  }
}
