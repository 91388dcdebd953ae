import type { V1NodeList } from '@kubernetes/client-node'
import { createKubeClient, type KubeClient } from '../../src/kube/client/index.ts'
import type { HttpTarget } from '../../test/support/world/http.ts'
import type { TestProcess } from '../../test/support/world/process.ts'
import { untilNodeReady } from '../../test/support/world/workloads.ts'
import { openWorld } from '../../test/support/world/world.ts'

export const NODE = 'east'
export const NAMESPACE = 'default'
const PODS_PER_OBJECT = 10

/** One agent between two sandboxes whose pods no kubelet touches, so that the bench alone writes statuses. */
export interface Stage {
  user: KubeClient
  dataPlane: KubeClient
  startAgent(): Promise<TestProcess<unknown>>
  close(): Promise<void>
}

function clientOf({ server, ca, token, cert, key }: HttpTarget): KubeClient {
  return createKubeClient({ server, ca, token, clientCertificate: cert && key ? { cert, key } : undefined })
}

/** Runs `work` for 0 … count-1, `width` at a time. */
export async function forEach(count: number, width: number, work: (index: number) => Promise<unknown>) {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

export const podName = (index: number): string => `pod-${index}`
const collection = (resource: string) => ['api', 'v1', 'namespaces', NAMESPACE, resource]

/** Opens the stage with `pods` pods bound to the virtual node, not carried yet; ten of them share a ConfigMap. */
export async function openStage(pods: number): Promise<Stage> {
  const world = await openWorld({ userClusters: 1, gateways: 1 })
  const cluster = world.userClusters[0]
  if (!cluster) throw new Error('no user cluster')
  const user = clientOf(cluster.admin)
  const dataPlane = clientOf(world.dataPlane.admin)
  const close = async () => {
    await Promise.all([user.close(), dataPlane.close()])
    await world.close()
  }
  try {
    const much = { pods: String(pods + 10), 'requests.cpu': '100k', 'requests.memory': '100Ti' }
    const capacity = { cpu: '100k', memory: '100Ti', pods: String(pods + 10) }
    const node = await world.addNode('bench', NODE, { quota: much, capacity })
    const { items } = await dataPlane.json<V1NodeList>({ method: 'GET', path: ['api', 'v1', 'nodes'] })
    for (const { metadata } of items) {
      await dataPlane.json({
        method: 'PATCH',
        path: ['api', 'v1', 'nodes', metadata?.name ?? ''],
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { spec: { unschedulable: true } },
      })
    }
    // Once, so that the Node is there: pods that are bound to none are collected.
    const first = await world.startAgent(node, cluster)
    await untilNodeReady(cluster, NODE)
    await first.stop()
    const objects = Math.ceil(pods / PODS_PER_OBJECT)
    await forEach(objects, 10, (index) => {
      const body = { metadata: { name: `object-${index}` }, data: { key: 'x'.repeat(1_000) } }
      return user.json({ method: 'POST', path: collection('configmaps'), body })
    })
    await forEach(pods, 10, (index) => {
      const name = `object-${Math.floor(index / PODS_PER_OBJECT)}`
      const volumes = [{ name: 'object', configMap: { name } }]
      const containers = [{ name: 'main', image: 'example.com/none:1' }]
      const body = { metadata: { name: podName(index) }, spec: { nodeName: NODE, containers, volumes } }
      return user.json({ method: 'POST', path: collection('pods'), body })
    })
    return { user, dataPlane, startAgent: () => world.startAgent(node, cluster), close }
  } catch (error) {
    await close()
    throw error
  }
}
