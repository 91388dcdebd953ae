import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../../src/lib/logger.ts'
import { type Binaries, buildBinaries, cacheFolder } from '../kubernetes/harness/build.ts'
import { type Cluster, startDataPlane, startUserCluster } from '../kubernetes/harness/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { fromHandle } from '../support/world/cluster.ts'
import { untilNodeReady } from '../support/world/workloads.ts'
import { openWorld, type TestNode, type World } from '../support/world/world.ts'
import { buildSuite, type SuiteBinaries } from './build.ts'
import { suiteImages } from './images.ts'

const NODE = 'virtual'

/**
 * What pods without requests are charged here. One test reads a container's `cpu.shares` and expects those of a pod
 * without a request: 2, which 1m has as well.
 */
const LEAST_REQUESTS = 'cpu=1m,memory=1Mi'

export interface JudgedOptions {
  /** Folder for everything; left for the caller to remove. */
  dir: string
  logger: Logger
  signal: AbortSignal
  /** What is judged: a real node, or the virtual one in front of it. */
  node: 'real' | 'virtual'
}

/** A cluster whose only schedulable node is the one that is judged. */
export interface Judged {
  kubeconfig: string
  suite: SuiteBinaries
  /** Removes everything. Idempotent. */
  stop(): Promise<void>
}

/** Builds, starts the clusters and, for a virtual node, Isthmus between them. */
export async function startJudged(options: JudgedOptions): Promise<Judged> {
  const { dir, logger, signal } = options
  const build = { cache: cacheFolder(), logger, signal }
  const binaries = await buildBinaries(build)
  const suite = await buildSuite(build)
  const stops: (() => Promise<void>)[] = []
  async function stop(): Promise<void> {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    const dataPlane = await startDataPlane({ dir: join(dir, 'data-plane'), logger, binaries })
    stops.push(() => dataPlane.stop())
    loadImages(dataPlane, join(dir, 'images'), { ...suite, pause: binaries.pause })
    signal.throwIfAborted()
    if (options.node === 'real') return { kubeconfig: dataPlane.adminKubeconfig, suite, stop }
    const user = await startVirtual({ dir, logger, binaries, dataPlane, stops })
    signal.throwIfAborted()
    return { kubeconfig: user.adminKubeconfig, suite, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function loadImages(cluster: Cluster, dir: string, binaries: SuiteBinaries & { pause: string }): void {
  mkdirSync(dir, { recursive: true })
  for (const [index, { archive }] of suiteImages(binaries).entries()) {
    const path = join(dir, `${index}.tar`)
    writeFileSync(path, archive)
    cluster.importImage(path)
  }
}

interface VirtualOptions {
  dir: string
  logger: Logger
  binaries: Binaries
  dataPlane: Cluster
  stops: (() => Promise<void>)[]
}

/** A user cluster, a gateway and an agent whose node is registered without the taint: the suite's pods tolerate nothing. */
async function startVirtual(options: VirtualOptions): Promise<Cluster> {
  const { dir, logger, binaries, dataPlane, stops } = options
  const user = await startUserCluster({ dir: join(dir, 'user'), logger, binaries, verifyKubelets: true })
  stops.push(() => user.stop())
  const userCluster = fromHandle(user)
  const clusters = { dataPlane: fromHandle(dataPlane), userClusters: [userCluster] }
  const world: World = await openWorld({
    clusters,
    gateways: 1,
    gatewayEnv: { ISTHMUS_DEFAULT_REQUESTS: LEAST_REQUESTS },
  })
  stops.push(() => world.close())
  const node: TestNode = await world.addNode('conformance', NODE, {
    quota: { pods: '200', 'requests.cpu': '64', 'requests.memory': '256Gi' },
    capacity: { cpu: '64', memory: '256Gi', pods: '200' },
  })
  const { host } = new URL(user.server)
  await world.startAgent(node, userCluster, { args: ['--taint', 'false', '--pod-api-server', host] })
  await untilNodeReady(userCluster, NODE)
  await eventually('the scheduler may use the node', async () => {
    const { spec } = await user.get<{ spec: { taints?: unknown[] } }>(['node', NODE])
    return (spec.taints ?? []).length === 0
  })
  logger.info({}, 'the virtual node is ready')
  return user
}
