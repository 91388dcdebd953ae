import type { V1SubjectAccessReview } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { createTtlCache } from '../../lib/ttl-cache.ts'
import type { Caller } from './authenticate.ts'

/** One thing that a caller has to be allowed: a verb on `nodes/<subresource>`. */
export interface Access {
  verb: string
  subresource: string
}

/** As a kubelet's `authorization.webhook` cache times. */
const ALLOWED_MS = 5 * 60_000
const DENIED_MS = 30_000

const verbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Paths whose own subresource suffices since KubeletFineGrainedAuthz (KEP-2862); `proxy` does as well. */
const fine: Record<string, string> = {
  pods: 'pods',
  runningpods: 'pods',
  healthz: 'healthz',
  configz: 'configz',
}
const coarse: Record<string, string> = {
  stats: 'stats',
  metrics: 'metrics',
  logs: 'log',
  checkpoint: 'checkpoint',
}
const streams = new Set(['exec', 'attach', 'portForward', 'run'])

/**
 * What a request needs (pkg/kubelet/server/auth.go): alternatives, each of which is a list that has to be allowed
 * whole. A GET that upgrades to exec would need no more than `get nodes/proxy`, a known way to escalate: it
 * needs `create` as well here.
 */
export function accessOf(method: string, path: string): Access[][] {
  const first = decoded(path.split('/').find((segment) => segment !== '') ?? '')
  const verb = verbs[method] ?? method.toLowerCase()
  const subresource = fine[first] ?? coarse[first]
  if (subresource && fine[first]) return [[{ verb, subresource }], [{ verb, subresource: 'proxy' }]]
  if (subresource) return [[{ verb, subresource }]]
  const proxy = { verb, subresource: 'proxy' }
  return streams.has(first) && verb !== 'create' ? [[proxy, { ...proxy, verb: 'create' }]] : [[proxy]]
}

/** As it is served: `/%65xec` is exec (A18). What does not decode is served by nobody. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** @throws when the API server does not answer */
export type Authorize = (caller: Caller, method: string, path: string) => Promise<boolean>

/** Asks the user's API server by SubjectAccessReview, as a kubelet in webhook mode. */
export function createAuthorize(options: {
  user: Pick<KubeClient, 'json'>
  nodeName: string
  clock: Clock
}): Authorize {
  const cache = createTtlCache<boolean>({ elapsed: () => options.clock.elapsed(), max: 5_000 })

  async function review(caller: Caller, access: Access): Promise<boolean> {
    const { verb, subresource } = access
    const { status } = await options.user.json<V1SubjectAccessReview>({
      method: 'POST',
      path: ['apis', 'authorization.k8s.io', 'v1', 'subjectaccessreviews'],
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          ...caller,
          resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: options.nodeName },
        },
      },
      timeoutMs: 10_000,
    })
    return status?.allowed === true && status.denied !== true
  }

  function isAllowed(caller: Caller, access: Access): Promise<boolean> {
    return cache.get(JSON.stringify([caller, access]), async () => {
      const value = await review(caller, access)
      return { value, ttlMs: value ? ALLOWED_MS : DENIED_MS }
    })
  }

  return async (caller, method, path) => {
    for (const alternative of accessOf(method, path)) {
      const answers = await Promise.all(alternative.map((access) => isAllowed(caller, access)))
      if (answers.every((answer) => answer)) return true
    }
    return false
  }
}
