import { ended, running, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, type Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t from '../../support/tap.ts'

const condition = (pod: Loose, type: string) =>
  pod?.status?.conditions?.find((each: Loose) => each.type === type)

t.test(
  'an eviction in the data plane ends the user’s pod as Failed, with why, and it is not made again',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('pods', userPod('a'))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    gateway.update('pods', 'default', 'a', running)
    await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
    gateway.update('pods', 'default', 'a', (pod) => {
      pod.metadata.deletionTimestamp = new Date().toISOString()
      pod.metadata.deletionGracePeriodSeconds = 30
      pod.status.conditions.push({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
      })
    })
    await eventually('it says so', () => condition(user.get('pods', 'default', 'a'), 'DisruptionTarget'))
    t.equal(user.get('pods', 'default', 'a').status.phase, 'Running')
    gateway.drop('pods', 'default', 'a') // before its last status was seen
    const pod = await eventually('Failed', () => {
      const each = user.get('pods', 'default', 'a')
      return each.status.phase === 'Failed' && each
    })
    t.equal(pod.status.reason, 'EvictionByEvictionAPI')
    t.equal(condition(pod, 'DisruptionTarget').reason, 'EvictionByEvictionAPI')
    t.equal(condition(pod, 'Ready').status, 'False')
    t.equal(pod.metadata.deletionTimestamp, undefined, 'its controller replaces it; nobody deleted it')
    t.equal(gateway.get('pods', 'default', 'a'), undefined)
  },
)

t.test('a pod that was taken away while no agent was there is Failed by the next one', async (t) => {
  const first = startHarness()
  const { user, gateway } = first
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.update('pods', 'default', 'a', running)
  await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
  await first.stop()
  gateway.update('pods', 'default', 'a', (pod) => ended(pod, 137))
  gateway.drop('pods', 'default', 'a')
  const second = startHarness({ user, gateway })
  t.teardown(second.stop)
  await eventually('Failed', () => user.get('pods', 'default', 'a').status.phase === 'Failed')
  t.equal(gateway.all('pods').length, 0)
})

t.test(
  'what fails for more than ten seconds is told on the pod and in an Event, and goes on being tried',
  async (t) => {
    const clock = createFastClock(50)
    const { user, gateway, stop } = startHarness({ clock })
    t.teardown(stop)
    let broken = true
    gateway.intercept = (line) => {
      if (!broken || !line.startsWith('POST pods/')) return undefined
      throw apiError(500, 'InternalError', 'out of order')
    }
    user.seed('pods', userPod('a'))
    const pod = await eventually('it says so', () => {
      const each = user.get('pods', 'default', 'a')
      return condition(each, 'isthmus.dev/Carried')?.reason === 'CarryDelayed' && each
    })
    t.equal(pod.status.phase, 'Pending')
    t.match(condition(pod, 'isthmus.dev/Carried').message, /out of order/)
    await eventually('an Event', () => user.all('events').some(({ reason }) => reason === 'CarryDelayed'))
    broken = false
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    gateway.update('pods', 'default', 'a', running)
    const level = await eventually('level', () => {
      const each = user.get('pods', 'default', 'a')
      return each.status.phase === 'Running' && each
    })
    t.notOk(level.status.reason, 'and says so no longer')

    gateway.intercept = (line) => {
      if (!line.startsWith('DELETE pods/')) return undefined
      throw apiError(503, 'ServiceUnavailable', 'not now')
    }
    await user.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'] })
    await eventually('an Event', () => user.all('events').some(({ reason }) => reason === 'DeletionDelayed'))
    t.ok(user.get('pods', 'default', 'a'), 'Terminating meanwhile')
    gateway.intercept = undefined
    await eventually('told', () => gateway.get('pods', 'default', 'a').metadata.deletionTimestamp)
  },
)
