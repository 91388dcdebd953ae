import { renewAfterMs } from '../../../src/agent/tokens/tokens.ts'
import { startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, createFakeCluster, type Loose } from '../../support/fake-cluster.ts'
import t from '../../support/tap.ts'

const text = (value: string) => Buffer.from(value).toString('base64')
const condition = (pod: Loose, type: string) =>
  pod?.status?.conditions?.find((each: Loose) => each.type === type)
const remove = (cluster: Loose, kind: string, name: string) =>
  cluster.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', kind, name] })

const withSecret = (pod: Loose) => {
  pod.spec.volumes = [{ name: 's', secret: { secretName: 'keys' } }]
}

t.test('a Secret goes along before the pod, follows every edit, and goes when no pod uses it', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  const secret = user.seed('secrets', {
    metadata: { name: 'keys', namespace: 'default' },
    type: 'kubernetes.io/tls',
    data: { k: text('1') },
  })
  user.seed('secrets', { metadata: { name: 'unused', namespace: 'default' }, data: {} })
  user.seed('pods', userPod('a', withSecret))
  user.seed('pods', userPod('b', withSecret))
  await eventually(
    'carried',
    () => gateway.get('pods', 'default', 'a') && gateway.get('pods', 'default', 'b'),
  )
  const lines = gateway.requests.map(({ line }) => line)
  const of = (body: Loose, name: string) => body?.metadata?.name === name
  const at = (name: string) =>
    gateway.requests.findIndex(({ line, body }) => line.startsWith('POST') && of(body, name))
  t.ok(at('keys') >= 0 && at('keys') < at('a'), `the Secret first: ${lines}`)
  const copy = gateway.get('secrets', 'default', 'keys')
  t.equal(copy.type, 'kubernetes.io/tls')
  t.equal(copy.metadata.annotations['agent.isthmus.dev/uid'], secret.metadata.uid)
  t.equal(gateway.get('secrets', 'default', 'unused'), undefined)
  t.same(
    user.openWatches().filter((watch) => watch.startsWith('secrets')),
    ['secrets/default metadata.name=keys'],
    'one watch for both pods, by name',
  )

  user.update('secrets', 'default', 'keys', (object) => {
    object.data.k = text('2')
  })
  await eventually('the edit', () => gateway.get('secrets', 'default', 'keys').data.k === text('2'))
  for (const name of ['a', 'b']) {
    await remove(user, 'pods', name)
    await eventually('told', () => gateway.get('pods', 'default', name).metadata.deletionTimestamp)
    t.ok(gateway.get('secrets', 'default', 'keys'), 'there for as long as a pod is')
    gateway.drop('pods', 'default', name)
    await eventually('gone', () => !user.get('pods', 'default', name))
  }
  await eventually('the Secret too', () => !gateway.get('secrets', 'default', 'keys'))
  await eventually('and its watch', () => !user.openWatches().some((watch) => watch.startsWith('secrets')))
})

t.test(
  'a mandatory object that is missing is named on the pod, and the pod runs when it comes',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('pods', userPod('a', withSecret))
    const pod = await eventually('it says so', () => {
      const each = user.get('pods', 'default', 'a')
      return condition(each, 'isthmus.dev/Carried')?.reason === 'MandatorySecretNotFound' && each
    })
    t.match(condition(pod, 'isthmus.dev/Carried').message, /Secret keys/)
    await eventually('an Event', () =>
      user.all('events').some(({ reason }) => reason === 'MandatorySecretNotFound'),
    )
    user.seed('secrets', { metadata: { name: 'keys', namespace: 'default' }, data: { k: text('1') } })
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  },
)

t.test('an optional object that is missing holds nothing up, and comes along later', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed(
    'pods',
    userPod('a', (pod) => {
      pod.spec.containers[0].envFrom = [{ configMapRef: { name: 'maybe', optional: true } }]
    }),
  )
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  user.seed('configmaps', {
    metadata: { name: 'maybe', namespace: 'default' },
    data: { a: '1' },
    binaryData: { b: text('x') },
  })
  const copy = await eventually('it came', () => gateway.get('configmaps', 'default', 'maybe'))
  t.same(copy.binaryData, { b: text('x') })
})

t.test('rule 33: an immutable object is read once and not watched', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('secrets', {
    metadata: { name: 'keys', namespace: 'default' },
    data: { k: text('1') },
    immutable: true,
  })
  user.seed('pods', userPod('a', withSecret))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  t.equal(gateway.get('secrets', 'default', 'keys').immutable, true)
  await eventually('no watch', () => !user.openWatches().some((watch) => watch.startsWith('secrets')))
})

t.test('rule 32: an object that may not be read yet is tried again and not reported at once', async (t) => {
  const user = createFakeCluster()
  user.seed('secrets', { metadata: { name: 'keys', namespace: 'default' }, data: { k: text('1') } })
  let refusals = 2
  user.intercept = (line) => {
    if (line !== 'GET secrets/default' || refusals === 0) return undefined
    refusals -= 1
    throw apiError(403, 'Forbidden', 'no relationship found between node and this object')
  }
  const { gateway, stop } = startHarness({ user })
  t.teardown(stop)
  user.seed('pods', userPod('a', withSecret))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  t.notOk(user.requests.some(({ line }) => line.startsWith('POST events')))
  t.notOk(
    user.requests.some(
      ({ line, body }) => line === 'PATCH pods/default/a/status' && JSON.stringify(body).includes('False'),
    ),
  )
})

t.test('only objects that a node may read are asked for, one by one and by name', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('secrets', { metadata: { name: 'keys', namespace: 'default' }, data: {} })
  user.seed('configmaps', {
    metadata: { name: 'kube-root-ca.crt', namespace: 'default' },
    data: { 'ca.crt': 'user' },
  })
  user.seed(
    'pods',
    userPod('a', (pod) => {
      withSecret(pod)
      pod.spec.volumes.push({ name: 'ca', configMap: { name: 'kube-root-ca.crt' } })
    }),
  )
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  t.equal(gateway.get('configmaps', 'default', 'isthmus.kube-root-ca.crt').data['ca.crt'], 'user')
  t.equal(gateway.get('configmaps', 'default', 'kube-root-ca.crt'), undefined)
  const watches = user.openWatches()
  t.notOk(
    watches.some((watch) => /^(secrets|configmaps)/.test(watch) && !/metadata\.name=./.test(watch)),
    String(watches),
  )
  t.ok(watches.includes('pods/ spec.nodeName=virtual-1'))
})

t.test(
  'an object of a client of the gateway is not overwritten, and the pod says why it waits',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    gateway.seed('secrets', { metadata: { name: 'keys', namespace: 'default' }, data: { theirs: text('x') } })
    user.seed('secrets', { metadata: { name: 'keys', namespace: 'default' }, data: { ours: text('y') } })
    user.seed('pods', userPod('a', withSecret))
    await eventually(
      'it says so',
      () => condition(user.get('pods', 'default', 'a'), 'isthmus.dev/Carried')?.reason === 'NameTaken',
    )
    t.same(gateway.get('secrets', 'default', 'keys').data, { theirs: text('x') })
  },
)

t.test(
  'rule 39: tokens are bound to the user’s pod, lie in a Secret of their own, and a 600 s one is renewed in time',
  async (t) => {
    const user = createFakeCluster()
    let issued = 0
    user.intercept = (line) => {
      if (!line.startsWith('POST serviceaccounts')) return undefined
      issued += 1
      return {
        status: {
          token: `jwt number ${issued}`,
          expirationTimestamp: new Date(Date.now() + 600_000).toISOString(),
        },
      }
    }
    const { gateway, stop } = startHarness({ user })
    t.teardown(stop)
    const pod = user.seed(
      'pods',
      userPod('a', (each) => {
        each.spec.serviceAccountName = 'robot'
        each.spec.volumes = [
          {
            name: 'api',
            projected: {
              sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600, audience: '' } }],
            },
          },
        ]
      }),
    )
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    const request = user.requests.find(({ line }) => line.startsWith('POST serviceaccounts'))
    t.equal(request?.line, 'POST serviceaccounts/default/robot/token')
    t.same(request?.body.spec, {
      expirationSeconds: 600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: pod.metadata.uid },
    })
    const secret = gateway.get('secrets', 'default', `isthmus.token-${pod.metadata.uid}`)
    t.equal(secret.data['api.0'], text('jwt number 1'))
    const renewMs = Date.parse(secret.metadata.annotations['agent.isthmus.dev/renew']) - Date.now()
    t.ok(renewMs > 200_000 && renewMs <= 300_000, 'five minutes before its end at the latest')
    t.notMatch(JSON.stringify(gateway.get('pods', 'default', 'a').spec), /jwt number/)

    await remove(user, 'pods', 'a')
    await eventually('told', () => gateway.get('pods', 'default', 'a').metadata.deletionTimestamp)
    gateway.drop('pods', 'default', 'a')
    await eventually('the tokens go with the pod', () => gateway.all('secrets').length === 0)
  },
)

t.test('rule 39: renewal is the earliest of 80 %, five minutes before the end, and a day', (t) => {
  const minutes = (ms: number) => Math.round(ms / 60_000)
  t.equal(minutes(renewAfterMs(3_600_000, 0)), 48)
  t.equal(minutes(renewAfterMs(600_000, 0)), 5)
  t.equal(minutes(renewAfterMs(365 * 24 * 3_600_000, 0)), 24 * 60)
  t.ok(renewAfterMs(3_600_000, 0.99) < renewAfterMs(3_600_000, 0), 'jitter makes it earlier, never later')
  t.end()
})

t.test('rule 40: the service environment is there before the pod and follows Services', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  t.equal(
    gateway.get('configmaps', 'default', 'isthmus.service-env').data.KUBERNETES_SERVICE_HOST,
    'api.user',
  )
  user.seed('services', {
    metadata: { name: 'db', namespace: 'default' },
    spec: { clusterIP: '10.96.0.7', ports: [{ port: 5432 }] },
  })
  await eventually(
    'the new Service',
    () => gateway.get('configmaps', 'default', 'isthmus.service-env').data.DB_SERVICE_HOST === '10.96.0.7',
  )
  t.notOk('DB_SERVICE_HOST' in gateway.get('configmaps', 'default', 'isthmus.kubernetes-env').data)
})
