import { isKubeApiError, type KubeApiError, type KubeClient } from '../../kube/client/types.ts'
import { type Backoff, createBackoff } from '../../kube/watch/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { bindGatewayRole, isGatewayRoleBound } from './role-binding.ts'

export interface RoleBindingKeeperOptions {
  /** Data planes that this replica looks after; one replica each, so that no two ask the same questions. */
  clusters(): readonly string[]
  /** The tenants' namespaces in a data plane, by their names there. */
  namespaces(clusterId: string): readonly string[]
  /** @throws IsthmusError unavailable */
  client(clusterId: string): KubeClient
  /** Between two looks at the same data plane, in milliseconds; 30,000 by default. */
  everyMs?: number
  /** Called for each binding that was gone and is there again. */
  onRepair?(clusterId: string): void
  clock: Clock
  logger: Logger
  /** Uniform in [0, 1), for the backoff's jitter. */
  random?: () => number
}

export interface RoleBindingKeeper {
  close(): Promise<void>
}

const EVERY_MS = 30_000
/** A data plane that refuses or does not answer is asked again after 1 s, 2 s, … 5 minutes. */
const BACKOFF = { baseMs: 1_000, capMs: 300_000 }
/** So many questions, then a pause: at most 50 a second for a data plane, whatever the number of namespaces. */
const BATCH = 10
const PAUSE_MS = 200
const TICK_MS = 1_000

interface State {
  /** Of `clock.elapsed`. */
  nextMs: number
  failing: boolean
  backoff: Backoff
}

/**
 * Keeps the RoleBinding of the gateway in every tenant's namespace (rule 9): one that somebody deleted in a data
 * plane, or that a backup did not bring back, takes Secrets, ConfigMaps and logs from its tenant until it is there
 * again. Level-triggered, since the gateway may get and create RoleBindings and neither list nor watch them. Making
 * one is idempotent: a replica that takes over from another, or a namespace's creation at the same time, is no harm.
 */
export function keepRoleBindings(options: RoleBindingKeeperOptions): RoleBindingKeeper {
  const { clock, logger, everyMs = EVERY_MS, random = Math.random } = options
  const states = new Map<string, State>()
  const closed = new AbortController()
  const { signal } = closed

  async function look(clusterId: string, state: State): Promise<void> {
    try {
      await sweep(options, clusterId, signal)
      if (state.failing) logger.info({ clusterId }, 'role bindings are kept again')
      state.failing = false
      state.backoff.reset()
      state.nextMs = clock.elapsed() + everyMs
    } catch (error) {
      if (signal.aborted) return
      if (!state.failing) logger.warn({ err: error, clusterId }, 'role bindings can not be kept at present')
      state.failing = true
      state.nextMs = clock.elapsed() + state.backoff.next()
    }
  }

  async function tick(): Promise<void> {
    const mine = new Set(options.clusters())
    for (const id of states.keys()) if (!mine.has(id)) states.delete(id)
    for (const id of mine) {
      if (!states.has(id)) {
        states.set(id, { nextMs: 0, failing: false, backoff: createBackoff({ ...BACKOFF, random }) })
      }
    }
    const due = [...states].filter(([, state]) => state.nextMs <= clock.elapsed())
    await Promise.all(due.map(([id, state]) => look(id, state)))
  }

  const loop = (async () => {
    while (!signal.aborted) {
      await tick()
      await clock.sleep(Math.min(TICK_MS, everyMs), signal, { ref: false }).catch(() => {})
    }
  })()

  return {
    async close() {
      closed.abort(new Error('closed'))
      await loop
    },
  }
}

/** Looks at every namespace of a data plane once. @throws KubeApiError, KubeUnreachableError, IsthmusError */
async function sweep(
  { namespaces, client: clientOf, clock, logger, onRepair }: RoleBindingKeeperOptions,
  clusterId: string,
  signal: AbortSignal,
): Promise<void> {
  const client = clientOf(clusterId)
  const names = namespaces(clusterId)
  let refused: KubeApiError | undefined
  const lookAt = async (physicalName: string) => {
    try {
      if (await isGatewayRoleBound(client, physicalName, signal)) return
      if (!(await bindIfThere(client, physicalName))) return
      onRepair?.(clusterId)
      logger.warn({ clusterId, namespace: physicalName }, 'a role binding was missing and is made again')
    } catch (error) {
      // What one namespace refuses is no reason to leave the others; a data plane that is away is.
      if (!isKubeApiError(error) || error.code >= 500 || error.code === 429) throw error
      refused = error
    }
  }
  for (let from = 0; from < names.length; from += BATCH) {
    if (from > 0) await clock.sleep(PAUSE_MS, signal, { ref: false })
    signal.throwIfAborted()
    await Promise.all(names.slice(from, from + BATCH).map(lookAt))
  }
  if (refused !== undefined) throw refused
}

/** False for a namespace that is not there (yet, or any more) or is going: it needs none. */
async function bindIfThere(client: KubeClient, physicalName: string): Promise<boolean> {
  try {
    await bindGatewayRole(client, physicalName)
    return true
  } catch (error) {
    const isGoing =
      isKubeApiError(error, 403) &&
      error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
    if (isKubeApiError(error, 404) || isGoing) return false
    throw error
  }
}
