import { finalStatus, waitingStatus } from '../../../../src/kube/forge/local-status.ts'
import { statusPatch } from '../../../../src/kube/forge/status-patch.ts'
import { toUserStatus } from '../../../../src/kube/forge/to-user.ts'
import { applyStrategicMergePatch } from '../../../../src/kube/index.ts'
import { ended, running, userPod } from '../../../support/agent-harness.ts'
import type { Loose } from '../../../support/fake-cluster.ts'
import t from '../../../support/tap.ts'

const now = '2026-01-01T12:00:00Z'
const facts = { hostIp: '192.0.2.10', flatNetwork: true, now }

function carrier(change: (pod: Loose) => void = running): Loose {
  const pod: Loose = {
    metadata: {
      name: 'a',
      namespace: 'default',
      generation: 1,
      annotations: { 'agent.isthmus.dev/generation': '1' },
    },
    spec: { containers: [{ name: 'main', image: 'busybox:1' }] },
  }
  change(pod)
  return pod
}

const user = (change?: (pod: Loose) => void): Loose => ({
  ...userPod('a', change),
  kind: 'Pod',
  apiVersion: 'v1',
})
const typed = (status: Loose, type: string) => status.conditions.find((each: Loose) => each.type === type)

/** The pod after the patch, as an API server merges it. */
function patched(pod: Loose, status: Loose): Loose {
  const patch = statusPatch(pod, status) as Loose
  return patch ? applyStrategicMergePatch('v1/Pod', pod, patch) : pod
}

t.test('a status patch names what differs alone, carries the UID, and leaves foreign conditions', (t) => {
  const pod = user((each) => {
    each.metadata.uid = 'u1'
    each.status.conditions.push({ type: 'example.com/mine', status: 'True' })
    each.status.qosClass = 'BestEffort'
  })
  const patch = statusPatch(pod, toUserStatus(pod, carrier(), facts) as Loose) as Loose
  t.equal(patch.metadata.uid, 'u1')
  t.notOk('qosClass' in patch.status)
  const after = patched(pod, toUserStatus(pod, carrier(), facts))
  t.equal(typed(after.status, 'example.com/mine').status, 'True')
  t.equal(typed(after.status, 'PodScheduled').status, 'True')
  t.equal(after.status.qosClass, 'BestEffort')
  t.equal(
    statusPatch(
      after,
      toUserStatus(
        after,
        carrier(() => running(carrier())),
        facts,
      ) as Loose,
    ) === undefined,
    false,
  )
  const same = carrier()
  const level = patched(pod, toUserStatus(pod, same, facts))
  t.equal(
    statusPatch(level, toUserStatus(level, same, facts) as Loose),
    undefined,
    'level: nothing is written',
  )
  t.end()
})

t.test('an amount or a condition of a resize that is over does not stay behind', (t) => {
  const pod = user((each) => {
    each.spec.containers[0].resources = { requests: { memory: '1Mi' } }
    each.status.resources = { requests: { cpu: '2m', memory: '1Mi' }, limits: { cpu: '10m' } }
    each.status.allocatedResources = { cpu: '2m', memory: '1Mi' }
    each.status.conditions.push({ type: 'PodResizeInProgress', status: 'True' })
  })
  const done = carrier((each) => {
    running(each)
    each.status.resources = { requests: { memory: '1Mi' } }
    each.status.allocatedResources = { memory: '1Mi' }
  })
  const after = patched(pod, toUserStatus(pod, done, facts))
  t.same(after.status.resources, { requests: { memory: '1Mi' } })
  t.same(after.status.allocatedResources, { memory: '1Mi' })
  t.equal(typed(after.status, 'PodResizeInProgress'), undefined)
  t.equal(statusPatch(after, toUserStatus(after, done, facts) as Loose), undefined, 'level')
  t.end()
})

t.test('rule 34: a changed address replaces the old one, and a reason that is gone is cleared', (t) => {
  const pod = user((each) => {
    Object.assign(each.status, {
      reason: 'QuotaExceeded',
      message: 'full',
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
    })
  })
  const patch = statusPatch(pod, toUserStatus(pod, carrier(), facts) as Loose) as Loose
  t.same(patch.status.podIPs, [{ ip: '10.1.0.5' }, { $patch: 'replace' }])
  t.equal(patch.status.reason, null)
  t.equal(patch.status.message, null)
  const after = patched(pod, toUserStatus(pod, carrier(), facts))
  t.same(after.status.podIPs, [{ ip: '10.1.0.5' }])
  t.notOk(after.status.reason)
  t.end()
})

t.test('rule 35: terminal is one way, and only once nothing runs', (t) => {
  const gone = user((each) => {
    each.status.phase = 'Succeeded'
  })
  t.equal(toUserStatus(gone, carrier(), facts), undefined, 'never woken again')
  const half = carrier((pod) => {
    ended(pod)
    pod.status.containerStatuses.push({ name: 'b', restartCount: 0, state: { running: {} } })
  })
  const active = user((each) => {
    each.status.phase = 'Running'
  })
  t.equal(toUserStatus(active, half, facts)?.phase, 'Running')
  t.equal(toUserStatus(active, carrier(ended), facts)?.phase, 'Succeeded')
  t.end()
})

t.test('restart counts never fall', (t) => {
  const pod = user((each) => {
    each.status.containerStatuses = [{ name: 'main', restartCount: 7, state: {} }]
  })
  t.equal(toUserStatus(pod, carrier(), facts)?.containerStatuses?.[0]?.restartCount, 7)
  t.end()
})

t.test('Ready follows the user’s own readiness gates', (t) => {
  const gated = (status: string | undefined) =>
    user((each) => {
      each.spec.readinessGates = [{ conditionType: 'example.com/lb' }]
      if (status) each.status.conditions.push({ type: 'example.com/lb', status })
    })
  t.match(typed(toUserStatus(gated(undefined), carrier(), facts), 'Ready'), {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
  })
  t.equal(typed(toUserStatus(gated('False'), carrier(), facts), 'Ready').status, 'False')
  t.equal(typed(toUserStatus(gated('True'), carrier(), facts), 'Ready').status, 'True')
  t.end()
})

t.test('observedGeneration is the user’s: what was carried last and the data plane has seen', (t) => {
  const pod = user((each) => {
    each.metadata.generation = 5
    each.status.observedGeneration = 3
  })
  const at = (annotation: string, generation: number, observed: number | undefined) =>
    toUserStatus(
      pod,
      carrier((each) => {
        running(each)
        each.metadata.annotations['agent.isthmus.dev/generation'] = annotation
        each.metadata.generation = generation
        each.status.observedGeneration = observed
      }),
      facts,
    )?.observedGeneration
  t.equal(at('4', 2, 2), 4)
  t.equal(at('5', 3, 2), 3, 'not seen yet: as before')
  t.equal(at('5', 3, undefined), 5, 'a data plane that does not tell')
  const old = user((each) => {
    delete each.metadata.generation
  })
  t.notOk(
    'observedGeneration' in (toUserStatus(old, carrier(), facts) ?? {}),
    'an API server that knows none',
  )
  t.end()
})

t.test('rule 42: an isolated network’s addresses are not reported', (t) => {
  const status = toUserStatus(user(), carrier(), { ...facts, flatNetwork: false })
  t.equal(status?.podIP, undefined)
  t.equal(status?.podIPs, undefined)
  t.equal(status?.hostIP, '192.0.2.10')
  t.end()
})

t.test('Ready that the node controller wrote False comes back with a time of now', (t) => {
  const since = '2026-01-01T11:00:00Z'
  const pod = user((each) => {
    each.status.conditions.push({ type: 'Ready', status: 'False', lastTransitionTime: since })
  })
  const old = carrier((each) => {
    running(each)
    for (const condition of each.status.conditions) condition.lastTransitionTime = '2026-01-01T10:00:00Z'
  })
  t.match(typed(toUserStatus(pod, old, facts), 'Ready'), { status: 'True', lastTransitionTime: now })
  t.end()
})

t.test(
  'rule 38: a waiting pod is Pending with reason, message and the condition, and no container status',
  (t) => {
    const status = waitingStatus(user(), { reason: 'QuotaExceeded', message: 'cpu' }, now) as Loose
    t.match(status, { phase: 'Pending', reason: 'QuotaExceeded', message: 'cpu' })
    t.match(typed(status, 'isthmus.dev/Carried'), {
      status: 'False',
      reason: 'QuotaExceeded',
      message: 'cpu',
    })
    t.equal(status.containerStatuses, undefined)
    t.end()
  },
)

t.test(
  'the last status of a pod whose carrier vanished: Failed, containers ended, Ready False in the same write',
  (t) => {
    const pod = patched(user(), toUserStatus(user(), carrier(), facts))
    const status = finalStatus(pod, {
      why: { reason: 'DataPlaneLost', message: 'm' },
      now,
      disrupted: true,
    }) as Loose
    t.equal(status.phase, 'Failed')
    t.equal(status.containerStatuses[0].state.terminated.exitCode, 137)
    t.equal(typed(status, 'Ready').status, 'False')
    t.equal(typed(status, 'DisruptionTarget').status, 'True')
    const done = {
      ...pod,
      status: { ...pod.status, containerStatuses: carrier(ended).status.containerStatuses },
    }
    t.equal(finalStatus(done, { now }).phase, 'Succeeded')
    t.end()
  },
)
