import type { V1Pod } from '@kubernetes/client-node'
import { toUserStatus } from '../../../../src/kube/forge/to-user.ts'
import { settleStatuses } from '../../../../src/kube/forge/transitions.ts'
import { ended, running, userPod } from '../../../support/agent-harness.ts'
import type { Loose } from '../../../support/fake-cluster.ts'
import t from '../../../support/tap.ts'

const now = '2026-01-01T12:00:00Z'
const facts = { hostIp: '192.0.2.10', flatNetwork: true, now }

const withPolicy = (restartPolicy: string, container: Loose = {}): V1Pod =>
  userPod('a', (pod) => {
    pod.spec.restartPolicy = restartPolicy
    Object.assign(pod.spec.containers[0], container)
  })

const finished = (exitCode: number): Loose => [
  { name: 'main', restartCount: 2, state: { terminated: { exitCode } } },
]
const again: Loose = [{ name: 'main', restartCount: 3, state: { running: { startedAt: now } } }]

t.test('a container that has ended runs again only where its restart policy allows it', (t) => {
  const cases: [what: string, pod: V1Pod, exitCode: number, runs: boolean][] = [
    ['Always', withPolicy('Always'), 0, true],
    ['OnFailure after a failure', withPolicy('OnFailure'), 1, true],
    ['OnFailure after success', withPolicy('OnFailure'), 0, false],
    ['Never', withPolicy('Never'), 1, false],
    ['Never, with a policy of the container', withPolicy('Never', { restartPolicy: 'Always' }), 1, true],
    ['Never, with rules', withPolicy('Never', { restartPolicyRules: [{ action: 'Restart' }] }), 42, true],
  ]
  for (const [what, pod, exitCode, runs] of cases) {
    const [status] = settleStatuses(pod, pod.spec?.containers, again, finished(exitCode)) ?? []
    t.equal(status?.state?.running !== undefined, runs, what)
  }
  t.end()
})

/** A carrying pod that somebody in the data plane deletes. */
function taken(change: (pod: Loose) => void): Loose {
  const pod: Loose = userPod('a', change)
  pod.metadata.deletionTimestamp = now
  return pod
}
const typed = (status: Loose, type: string) => status.conditions.find((each: Loose) => each.type === type)

t.test('a pod that the data plane takes away is said to be disrupted, and has failed in the end', (t) => {
  const user = userPod('a', running)
  t.match(typed(toUserStatus(user, taken(running), facts), 'DisruptionTarget'), {
    status: 'True',
    reason: 'DeletionByDataPlane',
  })
  t.equal(toUserStatus(user, taken(running), facts)?.phase, 'Running', 'not before it has ended')
  // It ended as it was asked to, with 0: its controller has to replace it all the same.
  const after = toUserStatus(
    user,
    taken((pod) => ended(pod, 0)),
    facts,
  )
  t.match(after, { phase: 'Failed', reason: 'DeletionByDataPlane' })
  t.equal(typed(after, 'Ready').status, 'False')
  t.end()
})

t.test('the data plane’s own reason for taking a pod away is kept', (t) => {
  const user = userPod('a', running)
  const preempted = taken((pod) => {
    ended(pod, 137)
    pod.status.conditions.push({
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'Preempted by a pod of higher priority',
    })
  })
  const status = toUserStatus(user, preempted, facts)
  t.match(status, { phase: 'Failed', reason: 'PreemptionByScheduler' })
  t.equal(typed(status, 'DisruptionTarget').reason, 'PreemptionByScheduler')
  const evicted = taken((pod) => {
    ended(pod, 137)
    Object.assign(pod.status, { reason: 'Evicted', message: 'The machine ran out of memory' })
  })
  t.match(toUserStatus(user, evicted, facts), { phase: 'Failed', reason: 'Evicted' })
  t.end()
})

t.test('a pod of a Job that ended well while it was taken away has succeeded', (t) => {
  const user = userPod('a', (pod) => {
    running(pod)
    pod.spec.restartPolicy = 'Never'
  })
  const carried = taken((pod) => ended(pod, 0))
  t.equal(toUserStatus(user, carried, facts)?.phase, 'Succeeded')
  t.end()
})

t.test('a pod that the user deletes is not disrupted', (t) => {
  const user = userPod('a', (pod) => {
    running(pod)
    pod.metadata.deletionTimestamp = now
  })
  t.equal(typed(toUserStatus(user, taken(running), facts), 'DisruptionTarget'), undefined)
  t.end()
})
