import { ended, running, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, type Loose } from '../../support/fake-cluster.ts'
import t from '../../support/tap.ts'

const condition = (pod: Loose, type: string) =>
  pod?.status?.conditions?.find((each: Loose) => each.type === type)

t.test('a pod bound to the node is carried, its status comes back, and it goes on both sides', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))

  const carried = await eventually('it is carried', () => gateway.get('pods', 'default', 'a'))
  t.equal(
    carried.metadata.annotations['agent.isthmus.dev/uid'],
    user.get('pods', 'default', 'a').metadata.uid,
  )
  t.equal(carried.spec.nodeName, undefined, 'where it runs is not for the user to say')
  t.ok(gateway.get('namespaces', undefined, 'default'), 'the namespace was made first')

  gateway.update('pods', 'default', 'a', running)
  const seen = await eventually('the status is back', () => {
    const pod = user.get('pods', 'default', 'a')
    return pod.status.phase === 'Running' && pod
  })
  t.equal(condition(seen, 'Ready').status, 'True')
  t.equal(condition(seen, 'PodScheduled').status, 'True', 'the scheduler’s condition stays')
  t.equal(condition(seen, 'isthmus.dev/Carried').status, 'True')
  t.equal(seen.status.hostIP, '192.0.2.10')
  t.same(seen.status.podIPs, [{ ip: '10.1.0.5' }])

  await user.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'] })
  const going = await eventually('it is deleted behind the gateway', () => {
    const pod = gateway.get('pods', 'default', 'a')
    return pod.metadata.deletionTimestamp && pod
  })
  t.equal(going.metadata.deletionGracePeriodSeconds, 30)
  t.ok(user.get('pods', 'default', 'a'), 'the user’s object waits for the data plane')
  gateway.update('pods', 'default', 'a', (pod) => ended(pod, 0))
  gateway.drop('pods', 'default', 'a')
  await eventually('it is gone', () => !user.get('pods', 'default', 'a'))
  t.equal(
    user.requests.filter(({ line }) => line === 'DELETE pods/default/a').length,
    2,
    'the user’s own delete and one of the agent',
  )
})

t.test('rule 37: grace 0 is passed on as 1, and a second, shorter delete is passed on', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.update('pods', 'default', 'a', running)
  const path = ['api', 'v1', 'namespaces', 'default', 'pods', 'a']
  await user.json({ method: 'DELETE', path, body: { gracePeriodSeconds: 30 } })
  await eventually(
    'told once',
    () => gateway.get('pods', 'default', 'a').metadata.deletionGracePeriodSeconds === 30,
  )
  user.update('pods', 'default', 'a', (pod) => {
    pod.metadata.deletionGracePeriodSeconds = 0
  })
  await eventually(
    'told again',
    () => gateway.get('pods', 'default', 'a').metadata.deletionGracePeriodSeconds === 1,
  )
  t.notOk(
    gateway.requests.some(
      ({ line, body }) => line.startsWith('DELETE pods') && body.gracePeriodSeconds === 0,
    ),
    'never 0',
  )
})

t.test('rule 36: a pod deleted before it was carried becomes Failed, then goes', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  gateway.intercept = (line) => {
    if (line !== 'POST pods/default') return undefined
    throw apiError(403, 'Forbidden', 'exceeded quota', [
      { field: 'requests.cpu', reason: 'QuotaExceeded', message: 'requested: 2, used: 1, limited: 2' },
    ])
  }
  user.seed(
    'pods',
    userPod('a', (pod) => {
      pod.metadata.finalizers = ['batch.kubernetes.io/job-tracking']
    }),
  )
  await eventually(
    'it waits',
    () => condition(user.get('pods', 'default', 'a'), 'isthmus.dev/Carried')?.reason === 'QuotaExceeded',
  )
  await user.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'] })
  await eventually('Failed', () => user.get('pods', 'default', 'a').status.phase === 'Failed')
  const deletes = () =>
    user.requests.filter(({ line, body }) => line === 'DELETE pods/default/a' && body?.preconditions)
  await eventually('removed', () => deletes().length === 1)
  user.update('pods', 'default', 'a', (pod) => {
    pod.metadata.labels = { touched: 'yes' }
  })
  user.seed('pods', userPod('other'))
  await eventually('later work is done', () =>
    condition(user.get('pods', 'default', 'other'), 'isthmus.dev/Carried'),
  )
  t.equal(deletes().length, 1, 'with finalizers left a second DELETE changes nothing, so none is sent')
  const order = user.requests.map(({ line }) => line)
  t.ok(order.lastIndexOf('PATCH pods/default/a/status') < order.lastIndexOf('DELETE pods/default/a'))
})

t.test('rule 38: freed quota is given by priority, then age', async (t) => {
  const { user, gateway, pods, stop } = startHarness()
  t.teardown(stop)
  let room = 0
  gateway.intercept = (line) => {
    if (line !== 'POST pods/default') return undefined
    if (room > 0) {
      room -= 1
      return undefined
    }
    throw apiError(403, 'Forbidden', 'exceeded quota', [
      { field: 'pods', reason: 'QuotaExceeded', message: 'full' },
    ])
  }
  const at = (second: number) => `2026-01-01T00:00:0${second}Z`
  user.seed(
    'pods',
    userPod('young', (pod) => Object.assign(pod.metadata, { creationTimestamp: at(3) })),
  )
  user.seed(
    'pods',
    userPod('old', (pod) => Object.assign(pod.metadata, { creationTimestamp: at(1) })),
  )
  user.seed(
    'pods',
    userPod('vip', (pod) => {
      pod.metadata.creationTimestamp = at(5)
      pod.spec.priority = 1000
    }),
  )
  const waits = (name: string) =>
    condition(user.get('pods', 'default', name), 'isthmus.dev/Carried')?.status === 'False'
  await eventually('all wait', () => ['young', 'old', 'vip'].every(waits))
  t.equal(user.get('pods', 'default', 'old').status.reason, 'QuotaExceeded')
  t.equal(user.get('pods', 'default', 'old').status.phase, 'Pending')
  for (const next of ['vip', 'old', 'young']) {
    room = 1
    pods.quotaFreed()
    await eventually(`${next} is next`, () => gateway.get('pods', 'default', next))
    t.equal(gateway.all('pods').length, ['vip', 'old', 'young'].indexOf(next) + 1)
  }
  await eventually('the reason is cleared', () => {
    gateway.update('pods', 'default', 'old', running)
    const { status } = user.get('pods', 'default', 'old')
    return status.phase === 'Running' && status.reason === undefined
  })
})

t.test(
  'unreachable is not NotFound: an outage of the gateway changes nothing in the user’s cluster',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('pods', userPod('a'))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    gateway.update('pods', 'default', 'a', running)
    await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
    gateway.setDown(true)
    const before = user.requests.length
    user.update('pods', 'default', 'a', (pod) => {
      pod.metadata.labels = { touched: 'yes' }
    })
    user.seed('pods', userPod('late'))
    await eventually('the queue has tried', () => user.requests.length >= before)
    await user.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'] })
    t.equal(user.get('pods', 'default', 'a').status.phase, 'Running')
    gateway.setDown(false)
    await eventually(
      'deleted on return',
      () => gateway.get('pods', 'default', 'a')?.metadata.deletionTimestamp,
    )
    await eventually('the new one is carried', () => gateway.get('pods', 'default', 'late'))
    t.ok(user.get('pods', 'default', 'a'), 'Terminating until the data plane says that it is gone')
  },
)

t.test('a pod that the data plane loses becomes Failed, once the gateway itself says so', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.update('pods', 'default', 'a', running)
  await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
  gateway.drop('pods', 'default', 'a')
  const failed = await eventually('Failed', () => {
    const pod = user.get('pods', 'default', 'a')
    return pod.status.phase === 'Failed' && pod
  })
  t.equal(failed.status.reason, 'DataPlaneLost')
  t.equal(condition(failed, 'DisruptionTarget').status, 'True')
  t.equal(condition(failed, 'Ready').status, 'False')
  t.equal(failed.status.containerStatuses[0].state.terminated.exitCode, 137)
  t.equal(gateway.get('pods', 'default', 'a'), undefined, 'it is not made again: its controller replaces it')
})

t.test('a status that the API server took without a change does not hold up the next one', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  const conditions = () => user.get('pods', 'default', 'a').status?.conditions ?? []
  const has = (type: string) => conditions().some((each: Loose) => each.type === type)
  gateway.update('pods', 'default', 'a', running)
  await eventually('Ready', () => has('Ready'))
  let ignored = 0
  user.intercept = (line) => {
    if (line !== 'PATCH pods/default/a/status') return undefined
    ignored += 1
    return structuredClone(user.get('pods', 'default', 'a'))
  }
  const add = (type: string) =>
    gateway.update('pods', 'default', 'a', (pod) => void pod.status.conditions.push({ type, status: 'True' }))
  add('PodResizeInProgress')
  await eventually('it was written, in vain', () => ignored > 0)
  user.intercept = undefined
  add('PodReadyToStartContainers')
  await eventually('the next one arrives', () => has('PodReadyToStartContainers'))
  t.ok(has('PodResizeInProgress'))
})

t.test('a change that is refused is told once and holds up no other', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.update('pods', 'default', 'a', running)
  let tries = 0
  gateway.intercept = (line) => {
    if (line !== 'PATCH pods/default/a/ephemeralcontainers') return undefined
    tries += 1
    throw apiError(422, 'Invalid', 'refused', [
      { field: 'spec', reason: 'FieldValueForbidden', message: 'not allowed' },
    ])
  }
  user.update('pods', 'default', 'a', (pod) => {
    pod.metadata.generation = 2
    pod.metadata.labels = { fresh: 'yes' }
    pod.spec.ephemeralContainers = [{ name: 'debug', image: 'busybox' }]
  })
  await eventually(
    'the label arrives',
    () => gateway.get('pods', 'default', 'a').metadata.labels.fresh === 'yes',
  )
  await eventually('an Event', () => user.all('events').some(({ reason }) => reason === 'UpdateRefused'))
  for (const note of ['1', '2', '3']) {
    user.update('pods', 'default', 'a', (pod) => {
      pod.metadata.annotations = { note }
    })
    await eventually('the note', () => gateway.get('pods', 'default', 'a').metadata.annotations.note === note)
  }
  t.equal(tries, 1)
  t.equal(user.get('pods', 'default', 'a').status.observedGeneration, 2)
})

t.test(
  'a user pod that vanished while the agent watched is deleted behind the gateway, once the API server confirms',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('pods', userPod('a'))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    user.drop('pods', 'default', 'a')
    await eventually('deleted', () => gateway.get('pods', 'default', 'a').metadata.deletionTimestamp)
    const lines = user.requests.map(({ line }) => line)
    t.ok(
      lines.includes('GET pods/default'),
      'asked by a LIST, since a GET of a pod that is gone is 403 for a node (rule 32)',
    )
    t.notOk(lines.some((line) => line.startsWith('GET pods/default/')))
  },
)
