import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKubeClient } from '../../src/kube/client/index.ts'
import { startDataPlane } from '../../test/kubernetes/harness/cluster.ts'
import { consoleLogger } from '../../test/kubernetes/harness/console-logger.ts'
import { fromHandle } from '../../test/support/world/cluster.ts'
import { isReady, untilPod } from '../../test/support/world/workloads.ts'
import { openWorld } from '../../test/support/world/world.ts'
import { HELD, heldPod, RUNNING } from './operations.ts'
import { type Arm, clientOf, podsOf } from './target.ts'

/** Pods in the namespace besides those that a run makes. */
const PODS = 500
const NAMESPACE = 'bench'

export interface BenchStage {
  direct: Arm
  gateway: Arm
  gatewayPid: number
  close(): Promise<void>
}

/** A data plane with its node, a gateway on durable PostgreSQL, and one namespace with 500 pods. */
export async function openBenchStage(): Promise<BenchStage> {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-bench-'))
  const cluster = await startDataPlane({ dir: join(dir, 'data-plane'), logger: consoleLogger() })
  const dataPlane = fromHandle(cluster)
  const world = await openWorld({ clusters: { dataPlane, userClusters: [] }, durable: true })
  async function close(): Promise<void> {
    await world.close()
    await cluster.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const many = '1000000'
    const node = await world.addNode('bench', 'bench', {
      quota: { pods: many, 'requests.cpu': many, 'requests.memory': '1Pi' },
      capacity: { cpu: many, memory: '1Pi', pods: many },
    })
    const client = await world.clientOf(node)
    const gateway: Arm = {
      name: 'gateway',
      server: client.server,
      ca: client.ca,
      token: client.token ?? '',
      namespace: NAMESPACE,
    }
    const kube = clientOf(gateway)
    await kube.json({
      method: 'POST',
      path: ['api', 'v1', 'namespaces'],
      body: { metadata: { name: NAMESPACE } },
    })
    await kube.json({ method: 'POST', path: podsOf(gateway), body: runningPod(world.image) })
    for (let from = 0; from < PODS - 1; from += 25) {
      const batch = Array.from({ length: Math.min(25, PODS - 1 - from) }, (_, index) =>
        heldPod(`${HELD}-${from + index}`),
      )
      await Promise.all(batch.map((body) => kube.json({ method: 'POST', path: podsOf(gateway), body })))
    }
    await untilPod(client, NAMESPACE, RUNNING, 'is Ready', isReady, 60_000)
    await kube.close()
    const admin = createKubeClient({
      server: dataPlane.admin.server,
      ca: dataPlane.admin.ca,
      clientCertificate: certificateOf(dataPlane.admin),
    })
    const query = { labelSelector: 'isthmus.dev/node', limit: 1 }
    const list = await admin.json<{ items: { metadata: { namespace: string } }[] }>({
      method: 'GET',
      path: ['api', 'v1', 'pods'],
      query,
    })
    const physical = list.items[0]?.metadata.namespace ?? ''
    // The very identity that the gateway has, so that both arms pay the same authorization.
    const account = [
      'api',
      'v1',
      'namespaces',
      'isthmus-system',
      'serviceaccounts',
      'isthmus-gateway',
      'token',
    ]
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 86_400 },
    }
    const issued = await admin.json<{ status: { token: string } }>({ method: 'POST', path: account, body })
    await admin.close()
    const { server, ca } = dataPlane.admin
    const direct: Arm = { name: 'direct', server, ca, token: issued.status.token, namespace: physical }
    return { direct, gateway, gatewayPid: world.gateways[0]?.pid ?? 0, close }
  } catch (error) {
    await close()
    throw error
  }
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
