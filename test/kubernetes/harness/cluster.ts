import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../../src/lib/logger.ts'
import { type Binaries, buildBinaries, cacheFolder } from './build.ts'
import { removeCgroups } from './cgroups.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { writePrivate } from './files.ts'
import { type ClusterDescription, type ClusterHandle, clusterHandle } from './handle.ts'
import { kubeconfig } from './kubeconfig.ts'
import { type Bridge, createBridge, removeBridge } from './network.ts'
import { startNode } from './node.ts'
import { type ManagedProcess, waitFor } from './processes.ts'

export interface ClusterOptions {
  /** Folder for the cluster's state and logs; made when missing, left for the caller to remove. */
  dir: string
  logger: Logger
  /** Name in messages and in `ClusterDescription`. */
  name?: string
  /** As `buildBinaries` returned them; built or found in the cache when absent. */
  binaries?: Binaries
  /** The API server checks kubelets' serving certificates: true for a data plane, false (as with kubeadm) for a user cluster by default. */
  verifyKubelets?: boolean
  /** More API server flags. */
  apiServerFlags?: Record<string, string | boolean>
}

/** A running cluster that this process owns. */
export interface Cluster extends ClusterHandle {
  processes: readonly ManagedProcess[]
  /** Imports a docker-save archive; only where there is a real node. */
  importImage(archive: string): void
  /** Ends all processes and removes bridge and cgroup. Idempotent. */
  stop(): Promise<void>
}

/** A cluster with one real node, on which pods run. */
export function startDataPlane(options: ClusterOptions): Promise<Cluster> {
  return startCluster({ name: 'data-plane', verifyKubelets: true, ...options }, true)
}

/** A tenant's cluster: a control plane whose only node will be a virtual one. */
export function startUserCluster(options: ClusterOptions): Promise<Cluster> {
  return startCluster({ name: 'user', verifyKubelets: false, ...options }, false)
}

type Named = ClusterOptions & { name: string; verifyKubelets: boolean }

async function startCluster(options: Named, withNode: boolean): Promise<Cluster> {
  const { dir, logger, name, verifyKubelets } = options
  const started = Date.now()
  const binaries = options.binaries ?? (await buildBinaries({ cache: cacheFolder(), logger }))
  mkdirSync(dir, { recursive: true, mode: 0o755 })
  const bridge = createBridge()
  const processes: ManagedProcess[] = []
  const stop = once(() => stopCluster(bridge, processes))
  try {
    const { address } = bridge
    const { apiServerFlags } = options
    const control = await startControlPlane({ binaries, dir, address, verifyKubelets, apiServerFlags })
    processes.push(...control.processes)
    const nodeName = `${name}-node`
    const node = withNode
      ? await startNode({ binaries, dir: join(dir, 'node'), name: nodeName, bridge, controlPlane: control })
      : undefined
    if (node) processes.push(node.process)
    const handle = clusterHandle(
      describe({ name, dir, bridge, binaries, control, processes, verifyKubelets, node: node?.name }),
    )
    await waitFor(`cluster ${name} is ready`, () => isReady(handle), processes)
    logger.info({ name, server: handle.server, ms: Date.now() - started }, `cluster ${name} is ready`)
    return {
      ...handle,
      processes,
      stop,
      importImage(archive) {
        if (!node) throw new Error(`cluster ${name} has no node of its own`)
        node.importImage(archive)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface DescribeOptions {
  name: string
  dir: string
  bridge: Bridge
  binaries: Binaries
  control: ControlPlane
  processes: ManagedProcess[]
  verifyKubelets: boolean
  node: string | undefined
}

function describe(options: DescribeOptions): ClusterDescription {
  const { name, dir, bridge, control } = options
  const { server, ca, admin, auditLog } = control
  return {
    name,
    server,
    nodeAddress: bridge.address,
    bridge: bridge.name,
    dir,
    adminKubeconfig: writePrivate(
      join(dir, 'kubeconfig'),
      'admin',
      kubeconfig({ server, ca: ca.cert, credential: { certificate: admin } }),
    ),
    binaries: options.binaries.kubernetes,
    auditLog,
    verifiesKubelets: options.verifyKubelets,
    ...(options.node ? { node: options.node } : {}),
    pids: Object.fromEntries(options.processes.map((process) => [process.name, process.pid])),
  }
}

/** Pods can be made: the default ServiceAccount is there and the node, if there is one, is Ready. */
async function isReady(cluster: ClusterHandle): Promise<boolean> {
  const account = await cluster.request({ path: '/api/v1/namespaces/default/serviceaccounts/default' })
  if (account.status !== 200) return false
  if (!cluster.node) return true
  const node = await cluster.request({ path: `/api/v1/nodes/${cluster.node}` })
  const status = node.json?.['status'] as { conditions?: { type: string; status: string }[] } | undefined
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

async function stopCluster(bridge: Bridge, processes: readonly ManagedProcess[]): Promise<void> {
  // Nothing is worth a graceful end: the state goes away with the folder.
  await Promise.all(processes.map((process) => process.stop(0)))
  for (let tries = 0; ; tries++) {
    try {
      removeCgroups(bridge.name)
      break
    } catch (error) {
      if (tries > 100) throw error // EBUSY while the kernel still takes the last processes down
      await delay(50)
    }
  }
  removeBridge(bridge.name)
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= action()
    return running
  }
}
