import { eventually } from '../eventually.ts'
import type { TestCluster } from './cluster.ts'
import { type HttpTarget, http, json } from './http.ts'
import type { World } from './world.ts'

const TAINT = 'isthmus.dev/virtual-node'

/** A pod as far as the tests look at it. */
export interface Pod {
  metadata: {
    name: string
    namespace: string
    uid: string
    deletionTimestamp?: string
    labels?: Record<string, string>
  }
  spec: { nodeName?: string; containers: { name: string; image: string }[] }
  status: {
    phase: string
    reason?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    containerStatuses?: { name: string; restartCount: number; ready: boolean }[]
  }
}

export interface PodOptions {
  /** One container, `sh -c`. */
  script: string
  /** Fields of that container. */
  container?: object
  volumes?: object[]
  spec?: object
  labels?: Record<string, string>
}

/** A pod for the virtual node `node`: selector, toleration and a container that runs a script. */
export function podFor(world: World, node: string, name: string, options: PodOptions): object {
  const { script, container = {}, volumes = [], spec = {}, labels } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      nodeSelector: { [TAINT]: node },
      tolerations: [{ key: TAINT, operator: 'Exists', effect: 'NoSchedule' }],
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: world.image, command: ['sh', '-c', script], ...container }],
      volumes,
      ...spec,
    },
  }
}

/** A script that goes on until it is told to end. */
export const STAY = 'trap "exit 0" TERM; while true; do sleep 0.2; done'

const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`

/** Creates an object in a namespace. */
export function create<T>(target: HttpTarget, namespace: string, resource: string, body: object): Promise<T> {
  return json<T>(target, { method: 'POST', path: `/api/v1/namespaces/${namespace}/${resource}`, body })
}

/** The pod, or undefined when it is not there. */
export async function readPod(target: HttpTarget, namespace: string, name: string): Promise<Pod | undefined> {
  const reply = await http(target, { path: `${pods(namespace)}/${name}` })
  if (reply.status === 404) return undefined
  if (reply.status !== 200) throw new Error(`pod ${name}: ${reply.status} ${reply.text}`)
  return reply.json<Pod>()
}

/** Waits until the pod fits; says how it was last seen otherwise. */
export async function untilPod(
  target: HttpTarget,
  namespace: string,
  name: string,
  what: string,
  fits: (pod: Pod) => boolean,
  deadlineMs = 30_000,
): Promise<Pod> {
  return eventually(
    `pod ${namespace}/${name} ${what}`,
    async () => {
      const pod = await readPod(target, namespace, name)
      if (pod !== undefined && fits(pod)) return pod
      throw new Error(`last seen: ${JSON.stringify(pod?.status)}`)
    },
    deadlineMs,
  )
}

export const isReady = (pod: Pod): boolean =>
  pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true

/** Deletes and waits until it is gone. */
export async function removePod(target: HttpTarget, namespace: string, name: string): Promise<void> {
  await http(target, { method: 'DELETE', path: `${pods(namespace)}/${name}` })
  await eventually(
    `pod ${name} is gone`,
    async () => (await readPod(target, namespace, name)) === undefined,
    30_000,
  )
}

/** The pods that the data plane runs for virtual nodes, by name. */
export async function carriedPods(dataPlane: TestCluster, name?: string): Promise<Pod[]> {
  const query = `labelSelector=${encodeURIComponent('isthmus.dev/node')}`
  const list = await json<{ items: Pod[] }>(dataPlane.admin, { path: `/api/v1/pods?${query}` })
  return list.items.filter((pod) => name === undefined || pod.metadata.name === name)
}

/** Waits until the node is there and Ready. */
export async function untilNodeReady(cluster: TestCluster, node: string): Promise<void> {
  await eventually(
    `node ${node} is Ready`,
    async () => {
      const reply = await http(cluster.admin, { path: `/api/v1/nodes/${node}` })
      if (reply.status !== 200) return false
      return isReady({ ...reply.json<Pod>() })
    },
    30_000,
  )
}
