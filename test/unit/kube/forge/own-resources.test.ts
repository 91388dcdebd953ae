import { withOwnResources } from '../../../../src/kube/forge/own-resources.ts'
import { userPod } from '../../../support/agent-harness.ts'
import type { Loose } from '../../../support/fake-cluster.ts'
import t from '../../../support/tap.ts'

t.test('a container’s status names the resources of its own spec, not those that policy added', (t) => {
  const user = userPod('a', (pod) => {
    pod.spec.containers = [
      { name: 'some', resources: { requests: { cpu: '20m' }, limits: { cpu: '30m' } } },
      { name: 'none' },
    ]
  })
  const theirs = { cpu: '20m', memory: '128Mi' }
  const status: Loose = {
    allocatedResources: theirs,
    resources: { requests: theirs, limits: { cpu: '30m', memory: '9Ki' } },
    containerStatuses: [
      { name: 'some', allocatedResources: theirs, resources: { requests: theirs, limits: { cpu: '30m' } } },
      { name: 'none', allocatedResources: theirs, resources: { requests: theirs } },
      { name: 'waiting' },
    ],
  }
  const plain = JSON.parse(JSON.stringify(withOwnResources(user, status).containerStatuses))
  t.same(plain, [
    {
      name: 'some',
      allocatedResources: { cpu: '20m' },
      resources: { requests: { cpu: '20m' }, limits: { cpu: '30m' } },
    },
    { name: 'none', resources: {} },
    { name: 'waiting' },
  ])
  const pod = withOwnResources(user, status)
  t.same(pod.allocatedResources, { cpu: '20m' })
  t.same(pod.resources, { requests: { cpu: '20m' }, limits: { cpu: '30m' } })
  const besteffort = withOwnResources(userPod('b'), status)
  t.equal(besteffort.resources, undefined, 'an empty one would be written again and again')
  t.equal(besteffort.allocatedResources, undefined)
  t.end()
})
