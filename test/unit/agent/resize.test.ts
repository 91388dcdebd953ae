import { running, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, type Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t from '../../support/tap.ts'

t.test('rule 44: a resize over quota is Deferred on the pod until there is room for it', async (t) => {
  const { user, gateway, stop } = startHarness({ clock: createFastClock(100) })
  t.teardown(stop)
  const cpu = (value: string) => ({ requests: { cpu: value }, limits: { cpu: value } })
  const pending = () =>
    user.get('pods', 'default', 'a').status.conditions?.find(({ type }: Loose) => type === 'PodResizePending')
  let hasRoom = false
  gateway.intercept = (line) => {
    if (line !== 'PATCH pods/default/a/resize' || hasRoom) return undefined
    throw apiError(403, 'Forbidden', 'exceeded quota: requested 2, used 1, limited 2', [
      { field: 'limits.cpu', reason: 'QuotaExceeded', message: 'full' },
    ])
  }
  user.seed(
    'pods',
    userPod('a', (pod) => {
      pod.metadata.generation = 1
      pod.spec.containers[0].resources = cpu('1')
    }),
  )
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.update('pods', 'default', 'a', running)
  await eventually('it runs', () => user.get('pods', 'default', 'a').status.phase === 'Running')
  t.notOk(pending())

  user.update('pods', 'default', 'a', (pod) => {
    pod.metadata.generation = 2
    pod.spec.containers[0].resources = cpu('2')
  })
  await eventually('the pod says that it waits', pending)
  t.match(pending(), { status: 'True', reason: 'Deferred', message: /exceeded quota/ })

  hasRoom = true
  await eventually('it waits no more', () => !pending())
  const [container] = gateway.get('pods', 'default', 'a').spec.containers
  t.match(container.resources.requests, { cpu: '2' })
})
