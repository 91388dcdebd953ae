import { eventually } from '../eventually.ts'
import type { TestCluster } from './cluster.ts'
import { http, json } from './http.ts'

interface Named {
  metadata: { name: string; namespace?: string }
}

const KEPT_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
/** What a test file may leave in the namespace that nobody can delete. Owners before what they own. */
const COLLECTIONS = [
  'apis/apps/v1/namespaces/default/deployments',
  'apis/apps/v1/namespaces/default/replicasets',
  'apis/batch/v1/namespaces/default/jobs',
  'api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%21%3Dkube-root-ca.crt',
  'api/v1/namespaces/default/secrets',
  'api/v1/namespaces/default/events',
]
/** A namespace that the gateway has made. */
const TENANT_NAMESPACE = /^t-[a-z2-7]{26}$/
const EMPTY_MS = 90_000

/**
 * Takes out of a user cluster what the file before has left: the clusters of a run are shared, and files use
 * the same names. Nobody plays the kubelet any more, so that pods are deleted by force.
 */
export async function emptyUserCluster({ admin, name }: TestCluster): Promise<void> {
  for (const path of COLLECTIONS) await http(admin, { method: 'DELETE', path: `/${path}` })
  const namespaces = (await list('/api/v1/namespaces')).filter(
    ({ metadata }) => !KEPT_NAMESPACES.includes(metadata.name),
  )
  for (const { metadata } of [...namespaces, ...(await list('/api/v1/nodes'))]) {
    const resource = namespaces.some((namespace) => namespace.metadata === metadata) ? 'namespaces' : 'nodes'
    await http(admin, { method: 'DELETE', path: `/api/v1/${resource}/${metadata.name}` })
  }
  await eventually(
    `cluster ${name} is empty`,
    async () => {
      const pods = await list('/api/v1/pods')
      for (const { metadata } of pods) {
        const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}?gracePeriodSeconds=0`
        await http(admin, { method: 'DELETE', path })
      }
      const left = (await list('/api/v1/namespaces')).length - KEPT_NAMESPACES.length
      return pods.length === 0 && left === 0
    },
    EMPTY_MS,
  )

  async function list(path: string): Promise<Named[]> {
    return (await json<{ items: Named[] }>(admin, { path })).items
  }
}

/** Takes out of a data plane the namespaces of tenants that no gateway knows any more. */
export async function emptyDataPlane({ admin, name }: TestCluster): Promise<void> {
  const tenants = async () => {
    const { items } = await json<{ items: Named[] }>(admin, { path: '/api/v1/namespaces' })
    return items.filter(({ metadata }) => TENANT_NAMESPACE.test(metadata.name))
  }
  for (const { metadata } of await tenants()) {
    await http(admin, { method: 'DELETE', path: `/api/v1/namespaces/${metadata.name}` })
  }
  await eventually(`data plane ${name} is empty`, async () => (await tenants()).length === 0, EMPTY_MS)
}
