import type { V1PodList } from '@kubernetes/client-node'
import { isKubeApiError } from '../../kube/client/index.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Step } from '../step.ts'
import { until } from '../wait.ts'

/** Deleting the pod in the user's cluster removes it from the data plane. */
export const remove: Step = {
  title: 'A pod is deleted in the user’s cluster, and the data plane lets it go',
  async run({ user, physical }) {
    const path = ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'greedy']
    const begun = performance.now()
    await user.json({ method: 'DELETE', path })
    await until('it is gone from the user’s cluster', 20, async () => {
      const reply = await user.json({ method: 'GET', path }).catch((error) => error)
      return isKubeApiError(reply, 404)
    })
    const query = { labelSelector: 'isthmus.dev/node' }
    const left = await physical.json<V1PodList>({ method: 'GET', path: ['api', 'v1', 'pods'], query })
    if (left.items.some((pod) => pod.metadata?.name === 'greedy'))
      throw new Error('the data plane still runs it')
    return { shown: `gone on both sides after ${Math.round(performance.now() - begun)} ms` }
  },
}
