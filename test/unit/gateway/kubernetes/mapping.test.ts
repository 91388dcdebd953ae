import fc from 'fast-check'
import { negotiate, wantsAggregated } from '../../../../src/gateway/kubernetes/accept.ts'
import { openContinue, sealContinue } from '../../../../src/gateway/kubernetes/continue-token.ts'
import { withDefaultRequests } from '../../../../src/gateway/kubernetes/default-requests.ts'
import type { KubeObject, Pod } from '../../../../src/gateway/kubernetes/objects.ts'
import { changedPodForDataPlane, podForDataPlane } from '../../../../src/gateway/kubernetes/pod-forward.ts'
import { podForTenant } from '../../../../src/gateway/kubernetes/pod-view.ts'
import { redactText } from '../../../../src/gateway/kubernetes/redact.ts'
import { mapSelectors } from '../../../../src/gateway/kubernetes/selectors.ts'
import {
  terminatedMessage,
  waitingMessage,
} from '../../../../src/gateway/kubernetes/texts/container-texts.ts'
import { eventText } from '../../../../src/gateway/kubernetes/texts/event-texts.ts'
import type { TenantView } from '../../../../src/gateway/kubernetes/view.ts'
import t from '../../../support/tap.ts'

const PHYSICAL = `t-${'a'.repeat(26)}`
const FOREIGN = `t-${'b'.repeat(26)}`
const records = [
  { nodeId: 'n1', name: 'shop', physicalName: PHYSICAL },
  { nodeId: 'n2', name: 'theirs', physicalName: FOREIGN },
]
const leaks: string[] = []
const view: TenantView = {
  tenantId: 't1',
  nodeId: 'n1',
  nodeName: 'virtual',
  network: 'isolated',
  namespaceOf: (name) => records.find((one) => one.physicalName === name),
  physicalNamespace: (name) => records.find((one) => one.nodeId === 'n1' && one.name === name)?.physicalName,
  isPhysicalName: (name) => records.some((one) => one.physicalName === name),
  onLeak: (where) => leaks.push(where),
}
const place = { namespace: 'shop', physicalNamespace: PHYSICAL, reservationId: 'r1' }

const name = fc.stringMatching(/^[a-z]{1,5}$/)
const map = fc.dictionary(name, name, { maxKeys: 3 })
const containers = fc
  .uniqueArray(name, { minLength: 1, maxLength: 3 })
  .map((names) =>
    names.map((one) => ({ name: one, image: 'i', volumeMounts: [{ name: 'vol', mountPath: '/v' }] })),
  )
const tenantPod = fc.record({
  labels: map,
  annotations: map,
  containers,
  subdomain: fc.option(name, { nil: undefined }),
})

t.test('what a tenant asked for comes back as it was, whatever the data plane adds', async (t) => {
  fc.assert(
    fc.property(tenantPod, map, ({ labels, annotations, containers, subdomain }, added) => {
      const asked: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', namespace: 'shop', labels, annotations },
        spec: { containers, volumes: [{ name: 'vol' }], ...(subdomain ? { subdomain } : {}) },
      }
      const made = podForDataPlane(view, asked, place)
      const prefixed = Object.fromEntries(Object.entries(added).map(([key, value]) => [`mesh/${key}`, value]))
      const stored: Pod = {
        ...made,
        metadata: {
          ...made.metadata,
          labels: { ...made.metadata.labels, ...prefixed },
          annotations: { ...made.metadata.annotations, ...prefixed },
        },
        spec: {
          ...made.spec,
          nodeName: 'machine',
          containers: [{ name: 'SIDECAR', image: 'x' }, ...made.spec.containers],
          volumes: [{ name: 'CERTS' }, ...(made.spec.volumes ?? [])],
        },
      }
      const shown = podForTenant(view, stored)
      const back = { labels: shown.metadata.labels ?? {}, annotations: shown.metadata.annotations ?? {} }
      if (JSON.stringify(back) !== JSON.stringify({ labels, annotations }))
        throw new Error(JSON.stringify(back))
      if (JSON.stringify(shown.spec.containers) !== JSON.stringify(containers)) throw new Error('containers')
      if (shown.spec.subdomain !== subdomain) throw new Error('subdomain')
      // And putting the view back changes nothing in the data plane.
      const again = changedPodForDataPlane(view, shown, stored)
      if (JSON.stringify(again.spec.containers) !== JSON.stringify(stored.spec.containers))
        throw new Error('put')
      if (JSON.stringify(again.spec.volumes) !== JSON.stringify(stored.spec.volumes))
        throw new Error('put volumes')
      for (const [key, value] of Object.entries(stored.metadata.labels ?? {})) {
        if (again.metadata.labels?.[key] !== value) throw new Error(`label ${key}`)
      }
    }),
  )
  t.pass()
})

t.test('a deleted event after the mapping was dropped still names its namespace', async (t) => {
  const late: KubeObject = {
    metadata: {
      name: 'p',
      namespace: `t-${'c'.repeat(26)}`,
      labels: { 'isthmus.dev/node': 'n1' },
      annotations: { 'isthmus.dev/namespace': 'gone' },
    },
    spec: { containers: [] },
  }
  t.equal(podForTenant(view, late as Pod).metadata.namespace, 'gone')
})

t.test('the last wall replaces physical names and nothing that only looks like one', async (t) => {
  leaks.length = 0
  t.equal(redactText(view, `a ${PHYSICAL}/x b`, 'here'), 'a shop/x b')
  t.equal(redactText(view, `in ${FOREIGN}`, 'there'), 'in [namespace]')
  const lookalike = `t-${'z'.repeat(26)}`
  t.equal(redactText(view, lookalike, 'nowhere'), lookalike)
  t.same(leaks, ['here', 'there'])
})

t.test('Accept is read by quality and order', async (t) => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  t.equal(negotiate(undefined).as, 'object')
  t.equal(negotiate('*/*').as, 'object')
  t.equal(negotiate(`${table},application/json`).as, 'table')
  t.equal(negotiate(`application/json;q=0.5,${table};q=0.9`).as, 'table')
  t.equal(
    negotiate('application/json;as=Table,application/json').as,
    'object',
    'without g and v it falls through',
  )
  t.throws(() => negotiate('application/json;as=Table'), { code: 'not_acceptable' })
  t.throws(() => negotiate('application/vnd.kubernetes.protobuf'), { code: 'not_acceptable' })
  t.throws(() => negotiate('application/json;q=0'), { code: 'not_acceptable' })
})

t.test('continue tokens open for their scope alone, whatever is changed', async (t) => {
  const key = new Uint8Array(32).fill(1)
  const scope = { nodeId: 'n', resource: 'pods.', namespace: 'a', labelSelector: 'x', fieldSelector: '' }
  const sealed = sealContinue(key, scope, 'start')
  t.equal(openContinue(key, scope, sealed), 'start')
  for (const field of Object.keys(scope)) {
    t.throws(() => openContinue(key, { ...scope, [field]: 'other' }, sealed), { code: 'bad_request' }, field)
  }
  t.throws(() => openContinue(new Uint8Array(32), scope, sealed), { code: 'bad_request' })
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        openContinue(key, scope, text)
        return false
      } catch (error) {
        return (error as { code?: string }).code === 'bad_request'
      }
    }),
  )
})

t.test('selectors always carry the node’s label', async (t) => {
  for (const name of ['pods', 'configmaps', 'secrets', 'namespaces']) {
    const { labelSelector } = mapSelectors(view, { name }, { labelSelector: 'a=b,c notin (d,e),!f' })
    t.match(labelSelector ?? '', /isthmus\.dev\/node=n1$/)
  }
  t.equal(mapSelectors(view, { name: 'events' }, {}).labelSelector, undefined)
  const field = (fieldSelector: string) =>
    mapSelectors(view, { name: 'pods' }, { fieldSelector }).fieldSelector
  t.equal(field('spec.nodeName=virtual'), 'spec.nodeName!=')
  t.equal(field('spec.nodeName!=virtual'), 'spec.nodeName=')
  t.equal(field('spec.nodeName='), 'spec.nodeName=')
  t.equal(field('spec.nodeName!=machine-7'), undefined)
  t.equal(field('spec.nodeName=machine-7'), 'metadata.name=-')
  t.equal(field('metadata.namespace=shop'), `metadata.namespace=${PHYSICAL}`)
  t.equal(field('metadata.namespace=theirs'), 'metadata.name=-')
  t.equal(field('metadata.namespace!=theirs'), undefined)
})

t.test('missing requests are defaulted where neither request nor limit is named', async (t) => {
  const pod = (resources?: object): Pod => ({
    metadata: {},
    spec: { containers: [{ name: 'a', ...(resources ? { resources } : {}) }] },
  })
  const given = (one: Pod) => withDefaultRequests(one, { cpu: '100m' }).spec.containers[0]?.resources
  t.same(given(pod()), { requests: { cpu: '100m' } })
  t.same(given(pod({ limits: { cpu: '1' } })), { limits: { cpu: '1' } })
  t.same(given(pod({ requests: { memory: '1' } })), { requests: { memory: '1', cpu: '100m' } })
  const whole = { metadata: {}, spec: { containers: [{ name: 'a' }], resources: { requests: { cpu: '2' } } } }
  t.equal(given(whole), undefined, 'pod-level requests speak for the containers')
})

t.test('texts are made anew from reasons and the tenant’s own names', async (t) => {
  const event = (reason: string, original: string) =>
    eventText({
      reason,
      original,
      namespace: 'shop',
      name: 'web',
      node: 'east',
      fieldPath: 'spec.containers{main}',
    })
  t.equal(
    event('Pulled', 'Successfully pulled image "a:1" in 1.2s (1.2s including waiting)'),
    'Successfully pulled image "a:1" in 1.2s',
  )
  t.equal(
    event('BackOff', 'Back-off restarting failed container main in pod x_t-abc(u)'),
    'Back-off restarting failed container main',
  )
  t.equal(event('BackOff', 'Back-off pulling image "a:1"'), 'Back-off pulling image "a:1"')
  t.equal(
    event('Unhealthy', 'Liveness probe failed: HTTP probe failed with statuscode: 500'),
    'Liveness probe failed: HTTP probe failed with statuscode: 500',
  )
  t.equal(event('Failed', 'Error: ImagePullBackOff'), 'Error: ImagePullBackOff')
  t.equal(event('Failed', 'Error: in machine-7'), 'Error: the container could not be started')
  t.equal(event('constructor', 'x'), 'constructor in the data plane')
  const status = { name: 'main', image: 'a:1' }
  t.equal(
    waitingMessage({ reason: 'ImagePullBackOff', message: 'dial tcp 10.0.0.1' }, status),
    'Back-off pulling image "a:1"',
  )
  t.equal(
    waitingMessage({ reason: 'CreateContainerConfigError', message: 'secret "s" not found' }, status),
    'secret "s" not found',
  )
  t.equal(waitingMessage({ reason: 'ContainerCreating', message: 'on machine-7' }, status), undefined)
  t.equal(
    terminatedMessage({
      reason: 'StartError',
      message: 'runc on machine-7: exec: "nope": executable file not found in $PATH: unknown',
    }),
    'failed to start container: exec: "nope": executable file not found in $PATH',
  )
  t.equal(terminatedMessage({ reason: 'Error', message: 'my last words' }), 'my last words')
})

t.test('aggregated discovery is asked for by its exact type', async (t) => {
  t.ok(
    wantsAggregated('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'),
  )
  t.notOk(
    wantsAggregated(
      'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json',
    ),
  )
  t.notOk(wantsAggregated('application/json'))
  t.notOk(wantsAggregated(undefined))
})
