import type { KubeClient, KubeTarget } from '../../kube/client/types.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Sealer } from '../../lib/seal.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { openCredential } from '../clusters/index.ts'
import type { ClusterRecord, FollowedDirectory } from '../directory/index.ts'
import type { Upstreams } from './index.ts'

/** How a data plane is doing, as this replica sees it. */
export interface ClusterHealth {
  reachable: boolean
  /** `gitVersion`; empty before the first answer. */
  kubernetesVersion: string
  platform: string
}

export interface RunningUpstreams extends Upstreams {
  health(clusterId: string): ClusterHealth
  /** Called when a cluster's health changed. Returns the way to stop listening. */
  onHealth(listener: (clusterId: string) => void): () => void
  close(): Promise<void>
}

export interface UpstreamsOptions {
  directory: FollowedDirectory
  sealer: Sealer
  createClient: (target: KubeTarget) => KubeClient
  clock: Clock
  logger: Logger
}

const HEALTH_MS = 5_000
const HEALTH_TIMEOUT_MS = 4_000

/** One client per cluster and revision of its registration; the one before is closed when the next is made. */
export function makeUpstreams(options: UpstreamsOptions): RunningUpstreams {
  const { directory, sealer, createClient, clock, logger } = options
  const clients = new Map<string, { revision: number; client: KubeClient }>()
  const healths = new Map<string, ClusterHealth>()
  const listeners = new Set<(clusterId: string) => void>()

  function reach(clusterId: string): KubeClient {
    const cluster = directory.cluster(clusterId)
    if (!cluster?.connection) throw unavailable('The data plane is not known here.')
    const { revision } = cluster.connection
    const present = clients.get(clusterId)
    if (present?.revision === revision) return present.client
    const client = clientOf(cluster, cluster.connection)
    clients.set(clusterId, { revision, client })
    if (present) close(present.client)
    return client
  }

  function clientOf(
    cluster: ClusterRecord,
    connection: NonNullable<ClusterRecord['connection']>,
  ): KubeClient {
    const { server, ca, tlsServerName, sealedCredential } = connection
    try {
      return createClient({
        server,
        ca,
        tlsServerName,
        ...openCredential(sealer, cluster.id, sealedCredential),
      })
    } catch (error) {
      throw unavailable('The address or credential of the data plane can not be used.', error)
    }
  }

  function close(client: KubeClient): void {
    client.close().catch((error) => logger.warn({ err: error }, 'closing a data plane’s client'))
  }

  async function look(clusterId: string): Promise<void> {
    const before = healths.get(clusterId)
    let now: ClusterHealth
    try {
      const version = await reach(clusterId).json<{ gitVersion: string; platform?: string }>({
        method: 'GET',
        path: ['version'],
        timeoutMs: HEALTH_TIMEOUT_MS,
      })
      now = { reachable: true, kubernetesVersion: version.gitVersion, platform: version.platform ?? '' }
    } catch (error) {
      now = { kubernetesVersion: '', platform: '', ...before, reachable: false }
      if (before?.reachable !== false) logger.warn({ err: error, clusterId }, 'a data plane does not answer')
    }
    healths.set(clusterId, now)
    if (before?.reachable === now.reachable && before.kubernetesVersion === now.kubernetesVersion) return
    for (const listener of listeners) listener(clusterId)
  }

  const closed = new AbortController()
  const loop = (async () => {
    while (!closed.signal.aborted) {
      const ids = new Set(directory.clusters().map((cluster) => cluster.id))
      await Promise.all([...ids].map(look))
      for (const [id, { client }] of clients) {
        if (ids.has(id)) continue
        clients.delete(id)
        healths.delete(id)
        close(client)
      }
      await clock.sleep(HEALTH_MS, closed.signal, { ref: false }).catch(() => {})
    }
  })()

  return {
    client: reach,
    health: (id) => healths.get(id) ?? { reachable: true, kubernetesVersion: '', platform: '' },
    onHealth(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed.abort()
      await loop
      await Promise.all([...clients.values()].map(({ client }) => client.close()))
    },
  }
}

function unavailable(message: string, cause?: unknown): IsthmusError {
  return new IsthmusError('unavailable', message, { cause, retryAfterSeconds: 5 })
}
