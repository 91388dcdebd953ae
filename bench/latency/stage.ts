import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKubeClient } from '../../src/kube/client/index.ts'
import { startDataPlane } from '../../test/kubernetes/harness/cluster.ts'
import { consoleLogger } from '../../test/kubernetes/harness/console-logger.ts'
import { fromHandle, type TestCluster } from '../../test/support/world/cluster.ts'
import { isReady, untilPod } from '../../test/support/world/workloads.ts'
import { openWorld } from '../../test/support/world/world.ts'
import { HELD, heldPod, RUNNING } from './operations.ts'
import { openProfiler, type Profiler } from './profile.ts'
import type { Progress } from './progress.ts'
import { type Arm, clientOf, podsOf } from './target.ts'

/** Pods in the namespace besides those that a run makes. */
const PODS = 500
const NAMESPACE = 'bench'

export interface BenchStage {
  direct: Arm
  gateway: Arm
  gatewayPid: number
  /** Of the gateway's process. */
  profiler: Profiler
  /** Gives the gateway's arm a token for the next minutes: a run takes longer than one is good for. */
  renew(): Promise<void>
  close(): Promise<void>
}

/** Each step of the preparation may take so long. */
const STEP_MS = 120_000
/** Binaries may have to be built first. */
const CLUSTER_MS = 30 * 60_000

/**
 * A data plane with its node, one gateway on durable PostgreSQL, and one namespace with 500 pods.
 * @param profileDir where the profiler writes; without it nothing is profiled
 */
export async function openBenchStage(
  progress: Progress,
  profileDir: string | undefined,
): Promise<BenchStage> {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-bench-'))
  const closing: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })]
  async function close(): Promise<void> {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const logger = consoleLogger((line) => void process.stderr.write(line))
    const starting = startDataPlane({ dir: join(dir, 'data-plane'), logger })
    const cluster = await progress.within(CLUSTER_MS, 'starting a data plane', starting)
    closing.push(() => cluster.stop())
    return await prepare(fromHandle(cluster), progress, profileDir, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function prepare(
  dataPlane: TestCluster,
  progress: Progress,
  profileDir: string | undefined,
  closing: (() => unknown)[],
  close: () => Promise<void>,
): Promise<BenchStage> {
  progress.say('starting PostgreSQL and the gateway')
  const opening = openWorld({
    clusters: { dataPlane, userClusters: [] },
    durable: true,
    gateways: 1,
    gatewayEnv: profileDir === undefined ? {} : { NODE_OPTIONS: '--inspect=127.0.0.1:0' },
  })
  const world = await progress.within(STEP_MS, 'starting the gateway', opening)
  closing.push(() => world.close())
  const many = '1000000'
  const node = await world.addNode('bench', 'bench', {
    quota: { pods: many, 'requests.cpu': many, 'requests.memory': '1Pi' },
    capacity: { cpu: many, memory: '1Pi', pods: many },
  })
  const client = await world.clientOf(node)
  const { server, ca, token = '' } = client
  const gateway: Arm = { name: 'gateway', server, ca, token, namespace: NAMESPACE }
  const renew = async (): Promise<void> => {
    gateway.token = (await world.clientOf(node)).token ?? ''
  }
  progress.say(`creating ${PODS} pods`)
  await progress.within(STEP_MS, `creating ${PODS} pods`, createPods(gateway, world.image))
  await untilPod(client, NAMESPACE, RUNNING, 'is Ready', isReady, 60_000)
  const direct = await progress.within(STEP_MS, 'reading the data plane', directArm(dataPlane))
  const process = world.gateways[0]
  if (process === undefined) throw new Error('there is no gateway')
  const profiler = await openProfiler(profileDir, () => process.log())
  closing.push(() => profiler.close())
  progress.say('everything is up')
  return { direct, gateway, gatewayPid: process.pid, profiler, renew, close }
}

async function createPods(gateway: Arm, image: string): Promise<void> {
  const kube = clientOf(gateway)
  const namespaces = ['api', 'v1', 'namespaces']
  await kube.json({ method: 'POST', path: namespaces, body: { metadata: { name: NAMESPACE } } })
  await kube.json({ method: 'POST', path: podsOf(gateway), body: runningPod(image) })
  for (let from = 0; from < PODS - 1; from += 25) {
    const batch = Array.from({ length: Math.min(25, PODS - 1 - from) }, (_, index) =>
      heldPod(`${HELD}-${from + index}`),
    )
    await Promise.all(batch.map((body) => kube.json({ method: 'POST', path: podsOf(gateway), body })))
  }
  await kube.close()
}

/** The data plane by the very identity that the gateway has, so that both arms pay the same authorization. */
async function directArm(dataPlane: TestCluster): Promise<Arm> {
  const { server, ca } = dataPlane.admin
  const admin = createKubeClient({ server, ca, clientCertificate: certificateOf(dataPlane.admin) })
  const list = await admin.json<{ items: { metadata: { namespace: string } }[] }>({
    method: 'GET',
    path: ['api', 'v1', 'pods'],
    query: { labelSelector: 'isthmus.dev/node', limit: 1 },
  })
  const namespace = list.items[0]?.metadata.namespace ?? ''
  const account = ['api', 'v1', 'namespaces', 'isthmus-system', 'serviceaccounts', 'isthmus-gateway', 'token']
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  }
  const issued = await admin.json<{ status: { token: string } }>({ method: 'POST', path: account, body })
  await admin.close()
  return { name: 'direct', server, ca, token: issued.status.token, namespace }
}

function certificateOf(target: { cert?: string; key?: string }) {
  return { cert: target.cert ?? '', key: target.key ?? '' }
}

function runningPod(image: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: RUNNING },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image,
          command: ['sh', '-c', 'while true; do echo a line of the log; sleep 0.2; done'],
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
        },
      ],
    },
  }
}
