import type { AuthenticationV1TokenRequest, V1Pod, V1Secret } from '@kubernetes/client-node'
import { annotation, tokenSecretName } from '../../kube/forge/names.ts'
import { type TokenSource, tokenLifeMs, tokenSources } from '../../kube/forge/tokens.ts'
import { isKubeApiError } from '../../kube/index.ts'
import { createWorkQueue } from '../../lib/work-queue.ts'
import type { AgentContext } from '../context.ts'
import { retryDelay } from '../errors.ts'
import type { CarriedObjects, ObjectKey } from '../sync/carried-objects.ts'

/** ServiceAccount tokens of the pods, as Secrets behind the gateway. */
export interface Tokens {
  /** Resolves when the pod's tokens are there. @throws what the API server or the gateway answered */
  settled(pod: V1Pod): Promise<void>
  /** The pod is gone, and its tokens with it. */
  release(podUid: string): void
  close(): Promise<void>
}

const PART = 0.8
const BEFORE_END_MS = 300_000
const LONGEST_MS = 24 * 3600_000
/** Renewed up to this part earlier, so that a thousand pods made together do not renew together. */
const JITTER = 0.1

/**
 * Milliseconds after issue when a token is renewed (rule 39): the earliest of 80 % of its life, five minutes
 * before its end, and a day; the data plane's kubelet shows a new Secret up to two minutes late.
 */
export function renewAfterMs(lifeMs: number, random: number): number {
  const latest = Math.min(lifeMs * PART, lifeMs - BEFORE_END_MS, LONGEST_MS)
  return Math.max(latest * (1 - JITTER * random), 30_000)
}

/** However far away a renewal is, the clocks are looked at so often: they may have jumped, or stood still. */
const LOOK_EVERY_MS = 60_000

/** When tokens are renewed: by the wall clock, or by the time that has passed, whichever comes first. */
interface Due {
  atMs: number
  elapsedMs: number
}

interface Held {
  pod: V1Pod
  sources: TokenSource[]
  /** Undefined while the first one is not there. */
  due?: Due
  fault?: unknown
}

function keyOf(pod: V1Pod): ObjectKey {
  return {
    kind: 'Secret',
    namespace: pod.metadata?.namespace ?? '',
    name: tokenSecretName(pod.metadata?.uid ?? ''),
  }
}

/** Asks for tokens bound to the user's pod, and renews them for as long as the pod is there. */
export function createTokens(
  context: Pick<AgentContext, 'user' | 'gateway' | 'clock' | 'logger' | 'random' | 'isWriter'>,
  objects: CarriedObjects,
): Tokens {
  const { user, clock } = context
  const held = new Map<string, Held>()

  async function request(pod: V1Pod, source: TokenSource): Promise<{ token: string; lifeMs: number }> {
    const { name, namespace, uid } = pod.metadata ?? {}
    const answer = await user.json<AuthenticationV1TokenRequest>({
      method: 'POST',
      path: [
        ...['api', 'v1', 'namespaces', namespace ?? '', 'serviceaccounts'],
        ...[pod.spec?.serviceAccountName || 'default', 'token'],
      ],
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          // No audience means the API server's own; to name that one is 403 under the Node authorizer.
          ...(source.audience ? { audiences: [source.audience] } : {}),
          expirationSeconds: source.expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    })
    const { token = '', expirationTimestamp } = answer.status ?? {}
    const askedMs = source.expirationSeconds * 1000
    const leftMs = expirationTimestamp ? new Date(expirationTimestamp).getTime() - clock.now() : askedMs
    return { token, lifeMs: tokenLifeMs(token) ?? (leftMs > 0 ? Math.min(leftMs, askedMs) : askedMs) }
  }

  /** A Secret that an earlier process left is good until its own time of renewal. */
  async function inherited(entry: Held): Promise<V1Secret | undefined> {
    const key = keyOf(entry.pod)
    try {
      const secret = await context.gateway.json<V1Secret>({
        method: 'GET',
        path: ['api', 'v1', 'namespaces', key.namespace, 'secrets', key.name],
      })
      const renewMs = Date.parse(secret.metadata?.annotations?.[annotation.renew] ?? '')
      const whole = entry.sources.every(({ key: name }) => secret.data?.[name])
      return whole && renewMs > clock.now() + 10_000 ? secret : undefined
    } catch (error) {
      // 403: the namespace is being made, its rights are not there yet, and so nothing is in it.
      if (isKubeApiError(error, 404) || isKubeApiError(error, 403)) return undefined
      throw error
    }
  }

  const dueAt = (atMs: number): Due => ({ atMs, elapsedMs: clock.elapsed() + atMs - clock.now() })
  const isDue = ({ atMs, elapsedMs }: Due) => clock.now() >= atMs || clock.elapsed() >= elapsedMs

  async function issue(entry: Held): Promise<Due> {
    const { pod, sources } = entry
    const issued = await Promise.all(sources.map((source) => request(pod, source)))
    const now = clock.now()
    const lifeMs = Math.min(...issued.map((token) => token.lifeMs))
    const due = dueAt(now + renewAfterMs(lifeMs, context.random()))
    const key = keyOf(pod)
    objects.set(key, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: key.name,
        namespace: key.namespace,
        annotations: {
          [annotation.uid]: pod.metadata?.uid ?? '',
          [annotation.expires]: new Date(now + lifeMs).toISOString(),
          [annotation.renew]: new Date(due.atMs).toISOString(),
        },
      },
      type: 'Opaque',
      data: Object.fromEntries(
        sources.map(({ key: name }, index) => [
          name,
          Buffer.from(issued[index]?.token ?? '').toString('base64'),
        ]),
      ),
    })
    await objects.settled(key)
    return due
  }

  async function bring(entry: Held): Promise<Due> {
    if (entry.due && !isDue(entry.due)) return entry.due
    if (!entry.due) {
      const secret = await inherited(entry)
      if (secret) return dueAt(Date.parse(secret.metadata?.annotations?.[annotation.renew] ?? ''))
    }
    return issue(entry)
  }

  const queue = createWorkQueue<string>({
    name: 'tokens',
    clock,
    logger: context.logger,
    random: () => context.random(),
    delayOf: retryDelay,
    maxDelayMs: 30_000,
    async handle(uid) {
      const entry = held.get(uid)
      if (!entry) return undefined
      if (!context.isWriter()) return 2_000
      try {
        entry.due = await bring(entry)
        entry.fault = undefined
        return Math.min(LOOK_EVERY_MS, Math.max(0, entry.due.elapsedMs - clock.elapsed()))
      } catch (error) {
        entry.fault = error
        throw error
      }
    },
  })

  return {
    async settled(pod) {
      const uid = pod.metadata?.uid ?? ''
      const sources = tokenSources(pod)
      if (sources.length === 0) return
      const entry: Held = held.get(uid) ?? { pod, sources }
      held.set(uid, entry)
      if (!entry.due) queue.add(uid)
      await queue.settled(uid)
      if (!entry.due) throw entry.fault ?? new Error('the tokens are not there yet')
    },
    release(uid) {
      const entry = held.get(uid)
      held.delete(uid)
      if (entry) objects.drop(keyOf(entry.pod))
    },
    close: () => queue.close(),
  }
}
