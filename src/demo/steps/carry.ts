import type { V1ConfigMap, V1Pod, V1PodList, V1Secret } from '@kubernetes/client-node'
import { NAMESPACE, webPod } from '../manifests.ts'
import { freePort } from '../ports.ts'
import type { Step } from '../step.ts'
import { expect, until } from '../wait.ts'

/** A pod with a ConfigMap and a Secret runs, seen from both sides. */
export const carry: Step = {
  title: 'A pod with a ConfigMap and a Secret, scheduled in the user’s cluster, runs in the data plane',
  async run({ user, physical }) {
    const create = (resource: string, body: V1ConfigMap | V1Secret | V1Pod) =>
      user.json({ method: 'POST', path: ['api', 'v1', 'namespaces', NAMESPACE, resource], body })
    await create('configmaps', {
      metadata: { name: 'web' },
      data: { greeting: 'hello', from: 'a ConfigMap of the user’s cluster' },
    })
    await create('secrets', { metadata: { name: 'web' }, stringData: { password: 'correct horse' } })
    await create('pods', webPod(await freePort()))
    const path = ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web']
    const pod = await until('pod web is Running and Ready in the user’s cluster', 30, async () => {
      const found = await user.json<V1Pod>({ method: 'GET', path })
      const ready = found.status?.conditions?.some(
        ({ type, status }) => type === 'Ready' && status === 'True',
      )
      return found.status?.phase === 'Running' && ready ? found : undefined
    })
    const carried = await physical.json<V1PodList>({
      method: 'GET',
      path: ['api', 'v1', 'pods'],
      query: { labelSelector: 'isthmus.dev/node' },
    })
    const twin = carried.items.find((candidate) => candidate.metadata?.name === 'web')
    expect(twin?.status?.phase === 'Running', 'the data plane runs its twin')
    expect(twin.metadata?.namespace !== NAMESPACE, 'in a namespace of the tenant’s own')
    return {
      shown:
        `${NAMESPACE}/web is ${pod.status?.phase} on node ${pod.spec?.nodeName}; ` +
        `in the data plane it is ${twin.metadata?.namespace}/web on ${twin.spec?.nodeName}`,
    }
  },
}
