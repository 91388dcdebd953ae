import type { CoreV1EventList, V1Pod } from '@kubernetes/client-node'
import { greedyPod, NAMESPACE } from '../manifests.ts'
import type { Stage } from '../stage.ts'
import type { Step } from '../step.ts'
import { expect, until } from '../wait.ts'

const pods = ['api', 'v1', 'namespaces', NAMESPACE, 'pods']
const read = ({ user }: Stage) => user.json<V1Pod>({ method: 'GET', path: [...pods, 'greedy'] })
const carriedOf = (pod: V1Pod) => pod.status?.conditions?.find(({ type }) => type === 'isthmus.dev/Carried')

/** A pod over quota waits with the reason, and runs when the quota is raised. */
export const quota: Step = {
  title: 'A pod over quota waits and says why; it runs when the quota is raised',
  async run(stage) {
    const { user, operator } = stage
    await user.json({ method: 'POST', path: pods, body: greedyPod() })
    const waiting = await until('pod greedy waits for quota', 20, async () => {
      const pod = await read(stage)
      return carriedOf(pod)?.reason === 'QuotaExceeded' ? pod : undefined
    })
    expect(waiting.status?.phase === 'Pending', `it is Pending, not ${waiting.status?.phase}`)
    const message = carriedOf(waiting)?.message ?? ''
    expect(message.includes('limits.cpu'), `the reason names limits.cpu: ${message}`)
    await until('an Event tells it too', 10, async () => {
      const path = ['api', 'v1', 'namespaces', NAMESPACE, 'events']
      const query = { fieldSelector: 'involvedObject.name=greedy' }
      const events = await user.json<CoreV1EventList>({ method: 'GET', path, query })
      return events.items.some(({ reason }) => reason === 'QuotaExceeded')
    })
    const raised = performance.now()
    const path = ['v1', 'tenants', 'acme', 'quota']
    const { etag } = await operator.call({ method: 'GET', path })
    await operator.call({ method: 'PATCH', path, body: { hard: { 'limits.cpu': '10' } }, ifMatch: etag })
    await until('pod greedy runs', 30, async () => (await read(stage)).status?.phase === 'Running')
    const took = ((performance.now() - raised) / 1000).toFixed(1)
    return { shown: `${message}; with limits.cpu raised it ran ${took} s later` }
  },
}
