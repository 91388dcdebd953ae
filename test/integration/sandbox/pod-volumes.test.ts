import { eventually } from '../../support/eventually.ts'
import { type RuntimeHarness, startRuntimeHarness } from '../../support/sandbox-runtime.ts'
import t from '../../support/tap.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

function put(
  sandbox: RuntimeHarness,
  kind: 'ConfigMap' | 'Secret',
  name: string,
  data: Record<string, string>,
) {
  const resource = kind === 'ConfigMap' ? 'configmaps' : 'secrets'
  const encoded =
    kind === 'Secret' ? Object.fromEntries(Object.entries(data).map(([k, v]) => [k, base64(v)])) : data
  const metadata = { namespace: 'default', name }
  if (!sandbox.store.get(resource, metadata)) {
    sandbox.store.create(resource, { apiVersion: 'v1', kind, metadata, data: encoded })
  } else {
    sandbox.store.mutate(resource, metadata, (object) => {
      object['data'] = encoded
    })
  }
}

const main = (script: string, ...volumeMounts: Record<string, unknown>[]) => ({
  name: 'main',
  image: 'busybox',
  command: ['/bin/sh', '-c', script],
  volumeMounts,
})

const logOf = (sandbox: RuntimeHarness, name: string, expected: string) =>
  eventually(`the log of ${name}`, async () => (await sandbox.log(name)) === expected)

t.test('every kind of source is there as files, with its modes', async (t) => {
  const sandbox = await startRuntimeHarness(t, {
    requestToken: async ({ audiences, pod, serviceAccount }) => ({
      token: `token-of-${serviceAccount}-for-${pod.name}-at-${audiences.join()}`,
      expirationTimestamp: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  })
  put(sandbox, 'ConfigMap', 'settings', { 'app.conf': 'port=1\n', other: 'x' })
  put(sandbox, 'Secret', 'login', { password: 's3cret\n' })
  const files = [
    'config/app.conf',
    'secret/password',
    'down/labels',
    'all/app',
    'all/deep/password',
    'all/token',
    'all/ns',
  ]
  const script = `cat ${files.join(' ')}; ls config; stat -Lc %a secret/password all/app; touch scratch/file && echo written`
  sandbox.createPod(
    'volumes',
    {
      restartPolicy: 'Never',
      serviceAccountName: 'robot',
      containers: [
        main(
          script,
          ...['config', 'secret', 'down', 'all', 'scratch'].map((name) => ({ name, mountPath: `/${name}` })),
        ),
      ],
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'secret', secret: { secretName: 'login', defaultMode: 0o400 } },
        {
          name: 'down',
          downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] },
        },
        {
          name: 'all',
          projected: {
            sources: [
              { configMap: { name: 'settings', items: [{ key: 'other', path: 'app', mode: 0o600 }] } },
              { secret: { name: 'login', items: [{ key: 'password', path: 'deep/password' }] } },
              { serviceAccountToken: { path: 'token', audience: 'vault' } },
              { downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
            ],
          },
        },
        { name: 'scratch', emptyDir: {} },
      ],
    },
    { labels: { b: '2', a: '1' } },
  )
  await sandbox.status('volumes', 'is over', ({ phase }) => phase === 'Succeeded')
  t.equal(
    await sandbox.log('volumes'),
    'port=1\ns3cret\na="1"\nb="2"xs3cret\ntoken-of-robot-for-volumes-at-vaultdefaultapp.conf\nother\n400\n600\nwritten\n',
  )
})

t.test('a changed ConfigMap is seen by the running pod, all at once; a subPath never changes', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  put(sandbox, 'ConfigMap', 'settings', { mode: 'quiet', gone: 'x' })
  const script =
    'cat config/mode; while ! grep -q loud config/mode; do sleep 0.02; done; cat config/mode one; ls config; ls -d config/..data'
  sandbox.createPod('follows', {
    restartPolicy: 'Never',
    containers: [
      main(
        script,
        { name: 'config', mountPath: '/config' },
        { name: 'config', mountPath: '/one', subPath: 'mode' },
      ),
    ],
    volumes: [{ name: 'config', configMap: { name: 'settings' } }],
  })
  await logOf(sandbox, 'follows', '')
  await sandbox.status('follows', 'runs', ({ phase }) => phase === 'Running')
  put(sandbox, 'ConfigMap', 'settings', { mode: 'loud\n', extra: 'y' })
  await sandbox.status('follows', 'is over', ({ phase }) => phase === 'Succeeded')
  t.equal(await sandbox.log('follows'), 'quietloud\nquietextra\nmode\nconfig/..data\n')
})

t.test('a pod waits for a missing Secret with FailedMount, and starts when it comes', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('waits', {
    restartPolicy: 'Never',
    containers: [main('cat login/user login2/user 2>/dev/null', { name: 'login', mountPath: '/login' })],
    volumes: [
      { name: 'login', secret: { secretName: 'login' } },
      { name: 'maybe', secret: { secretName: 'nobody', optional: true } },
    ],
  })
  await eventually('the Event', () => sandbox.reasons('waits').includes('FailedMount'))
  t.match(sandbox.getPod('waits')?.status?.containerStatuses?.[0]?.state.waiting, {
    reason: 'ContainerCreating',
  })
  put(sandbox, 'Secret', 'login', { user: 'ada' })
  await sandbox.status('waits', 'is over', ({ phase }) => phase === 'Failed')
  t.equal(await sandbox.log('waits'), 'ada')
})

t.test('what the sandbox does not have, and paths that leave a volume, are refused in words', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  put(sandbox, 'ConfigMap', 'settings', { mode: 'quiet' })
  const failing = (name: string, volume: Record<string, unknown>, mount: Record<string, unknown> = {}) => {
    const volumeMounts = [{ name: 'v', mountPath: '/v', ...mount }]
    sandbox.createPod(name, {
      containers: [main('true', ...volumeMounts)],
      volumes: [{ name: 'v', ...volume }],
    })
  }
  failing('host', { hostPath: { path: '/etc' } })
  failing('item', { configMap: { name: 'settings', items: [{ key: 'mode', path: '../../up' }] } })
  failing('sub', { configMap: { name: 'settings' } }, { subPath: '../../up' })
  for (const name of ['host', 'item']) {
    await eventually(`${name} is refused`, () => sandbox.reasons(name).includes('FailedMount'))
  }
  const status = await sandbox.status('sub', 'waits', (s) => s.containerStatuses?.[0]?.state.waiting?.message)
  t.match(status.containerStatuses![0]!.state.waiting, {
    reason: 'CreateContainerConfigError',
    message: /subPath/,
  })
})
