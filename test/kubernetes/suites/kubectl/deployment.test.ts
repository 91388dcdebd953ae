// An ordinary Deployment on the virtual node, by kubectl against the user's cluster.
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { carriedPods, STAY } from '../../../support/world/workloads.ts'
import { BUSYBOX_IMAGE, BUSYBOX_NEXT_IMAGE } from '../../harness/images.ts'
import { openStage, type Stage } from './stage.ts'

t.setTimeout(600_000)
let stage: Stage
t.before(async () => {
  stage = await openStage({ tenant: 'deployments' })
})
t.teardown(() => stage?.close())

const SELECTOR = 'app=shop'
const names = async () =>
  (await stage.user.kubectl(['get', 'pods', '-l', SELECTOR, '-o', 'name'])).stdout
    .trim()
    .split('\n')
    .filter((name) => name !== '')
const rollout = () =>
  stage.user.kubectl(['rollout', 'status', 'deployment/shop', '--timeout=180s'], { timeoutMs: 190_000 })

/** A Deployment of 3 as people write them: environment, Secret, init container. */
function shop(): object {
  const { spec } = stage.pod('shop', { script: STAY }) as { spec: { containers: object[] } }
  const data = { name: 'data', mountPath: '/data' }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'shop' } },
      template: {
        metadata: { labels: { app: 'shop' } },
        spec: {
          ...spec,
          initContainers: [
            {
              name: 'init',
              image: BUSYBOX_IMAGE,
              command: ['sh', '-c', 'echo "made for $(hostname)" > /data/init'],
              volumeMounts: [data],
            },
          ],
          containers: [
            {
              ...spec.containers[0],
              envFrom: [{ configMapRef: { name: 'shop' } }],
              volumeMounts: [data, { name: 'secret', mountPath: '/secret' }],
              readinessProbe: { exec: { command: ['test', '-s', '/data/init'] }, periodSeconds: 1 },
            },
          ],
          volumes: [
            { name: 'data', emptyDir: {} },
            { name: 'secret', secret: { secretName: 'shop' } },
          ],
        },
      },
    },
  }
}

t.test('a Deployment of 3 with ConfigMap, Secret and an init container reaches Ready', async (t) => {
  const namespace = 'default'
  await stage.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shop', namespace }, data: { COLOUR: 'green' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'shop', namespace }, stringData: { key: 'xyzzy' } },
    shop(),
  )
  await rollout()
  const pods = await names()
  t.equal(pods.length, 3)
  for (const pod of pods) {
    const script =
      'echo $COLOUR; cat /secret/key; echo; cat /data/init; ls /var/run/secrets/kubernetes.io/serviceaccount'
    const { stdout } = await stage.user.kubectl(['exec', pod, '-c', 'main', '--', 'sh', '-c', script])
    const hostname = pod.replace('pod/', '')
    t.equal(stdout, `green\nxyzzy\nmade for ${hostname}\nca.crt\nnamespace\ntoken\n`)
  }
  t.equal((await carriedPods(stage.world.dataPlane)).length, 3)
})

t.test('a rolling update to a new image replaces all pods', async (t) => {
  await stage.user.kubectl(['set', 'image', 'deployment/shop', `main=${BUSYBOX_NEXT_IMAGE}`])
  await rollout()
  await eventually('three pods are left', async () => (await names()).length === 3, 60_000)
  for (const pod of await names()) {
    const { stdout } = await stage.user.kubectl(['exec', pod, '-c', 'main', '--', 'cat', '/etc/release'])
    t.equal(stdout, '2\n')
  }
  await eventually(
    'three pods are left in the data plane',
    async () => (await carriedPods(stage.world.dataPlane)).length === 3,
    60_000,
  )
})

t.test('scaled to 0 nothing is left on either side; scaled back it is Ready again', async (t) => {
  await stage.user.kubectl(['scale', 'deployment/shop', '--replicas=0'])
  await eventually('no pod is left', async () => (await names()).length === 0, 60_000)
  t.same(await carriedPods(stage.world.dataPlane), [])
  await stage.user.kubectl(['scale', 'deployment/shop', '--replicas=3'])
  await rollout()
  t.equal((await names()).length, 3)
})

t.test('kubectl describe and get show it as on any node', async (t) => {
  const [pod = ''] = await names()
  const { stdout } = await stage.user.kubectl(['describe', pod])
  t.match(stdout, /^Node: +east\//m)
  t.match(stdout, /^Status: +Running$/m)
  t.match(stdout, /Started/, 'the Events of the carrying pod')
  const wide = await stage.user.kubectl(['get', pod, '-o', 'wide'])
  t.match(wide.stdout, / 1\/1 +Running +0 .* east /)
  t.match((await stage.user.kubectl(['get', 'nodes'])).stdout, /^east +Ready /m)
})
