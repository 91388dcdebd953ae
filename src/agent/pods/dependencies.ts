import type { V1Pod } from '@kubernetes/client-node'
import { subPathFault } from '../../kube/forge/sub-paths.ts'
import { NameTakenError } from '../sync/carried-objects.ts'
import type { References } from '../sync/references.ts'
import type { ServiceEnv } from '../sync/service-env.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { dependencyFault, missingReferences, type Waiting } from './refusals.ts'

/** What a pod needs behind the gateway before it can start there. */
export interface Dependencies {
  /**
   * Brings it all along. Returns what the pod has to wait for, undefined when it may be created.
   * @throws when the gateway or the user's API server does not let it be done now
   */
  settle(pod: V1Pod): Promise<Waiting | undefined>
  /** Keeps following what a carried pod uses; once per process and pod. */
  attend(pod: V1Pod): Promise<void>
  release(podUid: string): void
}

/** Not a fault of anybody, so not reported before this has passed: a fresh binding is 403 for a moment (rule 32). */
const UNREAD_GRACE_MS = 10_000
const FAILING_GRACE_MS = 10_000

export interface DependenciesOptions {
  references: References
  serviceEnv: ServiceEnv
  tokens: Tokens
  elapsed(): number
}

/** Joins references, service environment and tokens. */
export function createDependencies(options: DependenciesOptions): Dependencies {
  const { references, serviceEnv, tokens } = options
  const unreadSince = new Map<string, number>()
  const failingSince = new Map<string, number>()
  const attended = new Set<string>()

  async function bring(pod: V1Pod): Promise<void> {
    await Promise.all([references.settled(pod), serviceEnv.settled(pod), tokens.settled(pod)])
  }

  return {
    async settle(pod) {
      const uid = pod.metadata?.uid ?? ''
      const fault = subPathFault(pod)
      if (fault) return { ...fault, until: 'object' }
      const { unread, missing } = references.lacking(pod)
      if (unread.length > 0 || !serviceEnv.isSynced()) {
        const since = unreadSince.get(uid) ?? options.elapsed()
        unreadSince.set(uid, since)
        if (options.elapsed() - since < UNREAD_GRACE_MS) {
          return { reason: 'Synchronizing', message: '', until: 'object' }
        }
        const what = unread.map(({ kind, name }) => `${kind} ${name}`).join(', ') || 'Services'
        return { reason: 'ReferencesNotReadable', message: `can not be read yet: ${what}`, until: 'object' }
      }
      unreadSince.delete(uid)
      const waiting = missingReferences(missing)
      if (waiting) return waiting
      try {
        await bring(pod)
      } catch (error) {
        const since = failingSince.get(uid) ?? options.elapsed()
        failingSince.set(uid, since)
        // A fresh namespace, a gateway that restarts: such faults pass by themselves, and are said if they do not.
        if (options.elapsed() - since < FAILING_GRACE_MS && !(error instanceof NameTakenError)) throw error
        return dependencyFault(error)
      }
      failingSince.delete(uid)
      attended.add(uid)
      return undefined
    },
    async attend(pod) {
      const uid = pod.metadata?.uid ?? ''
      references.hold(pod)
      if (attended.has(uid) || !serviceEnv.isSynced()) return
      await bring(pod)
      attended.add(uid)
    },
    release(uid) {
      unreadSince.delete(uid)
      failingSince.delete(uid)
      attended.delete(uid)
      references.release(uid)
      serviceEnv.release(uid)
      tokens.release(uid)
    },
  }
}
