import { onSandbox, pod } from '../../support/face-pods.ts'
import type { Loose } from '../../support/kube-face.ts'
import t from '../../support/tap.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'
const main = { name: 'main', image: 'busybox', command: ['sh', '-c', 'sleep 60'] }

/** Every arm by which a pod reads a Secret or a ConfigMap, with the path of the name. */
const arms = (name: string): [path: string, resource: string, spec: Loose][] =>
  (['containers', 'initContainers'] as const)
    .flatMap((kind): [string, string, Loose][] => {
      const at = `spec.${kind}[0]`
      const spec = (fields: object) =>
        kind === 'containers'
          ? { containers: [{ ...main, ...fields }] }
          : { containers: [main], initContainers: [{ ...main, name: 'init', ...fields }] }
      const env = (valueFrom: object) => spec({ env: [{ name: 'E', valueFrom }] })
      return [
        [`${at}.envFrom[0].secretRef.name`, 'secrets', spec({ envFrom: [{ secretRef: { name } }] })],
        [`${at}.envFrom[0].configMapRef.name`, 'configmaps', spec({ envFrom: [{ configMapRef: { name } }] })],
        [`${at}.env[0].valueFrom.secretKeyRef.name`, 'secrets', env({ secretKeyRef: { name, key: 'k' } })],
        [
          `${at}.env[0].valueFrom.configMapKeyRef.name`,
          'configmaps',
          env({ configMapKeyRef: { name, key: 'k' } }),
        ],
      ]
    })
    .concat(
      (
        [
          ['spec.volumes[0].secret.secretName', 'secrets', { secret: { secretName: name } }],
          ['spec.volumes[0].configMap.name', 'configmaps', { configMap: { name } }],
          [
            'spec.volumes[0].projected.sources[0].secret.name',
            'secrets',
            { projected: { sources: [{ secret: { name } }] } },
          ],
          [
            'spec.volumes[0].projected.sources[0].configMap.name',
            'configmaps',
            { projected: { sources: [{ configMap: { name } }] } },
          ],
        ] as [string, string, object][]
      ).map(([path, resource, volume]) => [
        path,
        resource,
        { containers: [main], volumes: [{ name: 'v', ...volume }] },
      ]),
    )
    .concat([
      ['spec.imagePullSecrets[0].name', 'secrets', { containers: [main], imagePullSecrets: [{ name }] }],
    ])

t.test('E3: a pod reads no Secret and no ConfigMap that its tenant did not make, by any arm', async (t) => {
  const { face, path } = await onSandbox(t)
  const physicalName = face.fakes.directory.namespace(face.nodeId, 'shop')?.physicalName ?? ''
  for (const resource of ['secrets', 'configmaps']) {
    await face.client.json({
      method: 'POST',
      path: ['api', 'v1', 'namespaces', physicalName, resource],
      body: { metadata: { name: 'theirs' } },
    })
    const own = await face.request(`POST /api/v1/namespaces/shop/${resource}`, {
      body: { metadata: { name: 'mine' } },
    })
    t.equal(own.status, 201)
  }
  const create = (name: string, spec: object) =>
    face.request(`POST ${path}?dryRun=All`, { body: { ...pod(name), spec } })
  for (const [field, , spec] of arms('theirs')) {
    const refused = await create('p', spec)
    t.equal(refused.status, 422, field)
    t.same(
      refused.json.details?.causes?.map((one: Loose) => one.field),
      [field],
    )
    t.notMatch(refused.text, physicalName)
  }
  for (const name of ['mine', 'not-there-yet']) {
    for (const [field, , spec] of arms(name)) {
      const taken = await create('p', spec)
      t.equal(taken.status, 201, `${name} by ${field}: ${taken.text}`)
    }
  }
  t.same([...face.fakes.ledger.values()], [], 'nothing was charged')
})

t.test('E3: neither by an apply nor by a container that is added for debugging', async (t) => {
  const { face, path } = await onSandbox(t)
  const physicalName = face.fakes.directory.namespace(face.nodeId, 'shop')?.physicalName ?? ''
  await face.client.json({
    method: 'POST',
    path: ['api', 'v1', 'namespaces', physicalName, 'secrets'],
    body: { metadata: { name: 'theirs' } },
  })
  const envFrom = [{ secretRef: { name: 'theirs' } }]
  const applied = await face.request(`PATCH ${path}/web?fieldManager=me`, {
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ ...main, envFrom }] },
    },
  })
  t.equal(applied.status, 422, applied.text)
  t.equal((await face.request(`POST ${path}`, { body: pod('web') })).status, 201)
  const debug = await face.request(`PATCH ${path}/web/ephemeralcontainers`, {
    contentType: STRATEGIC,
    body: { spec: { ephemeralContainers: [{ name: 'd', image: 'busybox', envFrom }] } },
  })
  t.equal(debug.status, 422, debug.text)
  t.equal(debug.json.details.causes[0].field, 'spec.ephemeralContainers[0].envFrom[0].secretRef.name')
})
