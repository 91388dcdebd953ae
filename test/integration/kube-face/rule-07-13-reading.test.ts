import { eventually } from '../../support/eventually.ts'
import { drawPhysicalName } from '../../support/gateway-fakes.ts'
import { type Loose, startFace, startSandboxFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t from '../../support/tap.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const names = (list: Loose): string[] => list.items.map((item: Loose) => item.metadata.name)
const pod = (name: string, extra: object = {}) => ({
  metadata: { name, ...extra },
  spec: { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '60'] }] },
})

t.test('on a sandbox', async (t) => {
  const face = await startSandboxFace(t)
  const other = face.fakes.addNode({ tenantName: 'other', nodeName: 'theirs' })
  const post = (path: string, body: unknown, token?: string) => face.request(`POST ${path}`, { body, token })
  for (const token of [face.token, other.token]) {
    t.equal((await post('/api/v1/namespaces', { metadata: { name: 'shop' } }, token)).status, 201)
    const made = await post('/api/v1/namespaces/shop/pods', pod('web', { labels: { app: 'web' } }), token)
    t.equal(made.status, 201, made.text)
  }
  t.equal((await post('/api/v1/namespaces', { metadata: { name: 'hidden' } }, other.token)).status, 201)

  await t.test(
    'rule 7: secrets and configmaps of all namespaces are Forbidden, of one they are watched',
    async (t) => {
      for (const resource of ['secrets', 'configmaps']) {
        const all = await face.request(`GET /api/v1/${resource}`)
        t.equal(all.status, 403)
        t.equal(all.json.reason, 'Forbidden')
        t.equal((await face.request(`GET /api/v1/${resource}?watch=true`)).status, 403)
        const watch = await face.stream(`/api/v1/namespaces/shop/${resource}?watch=true`)
        await post(`/api/v1/namespaces/shop/${resource}`, { metadata: { name: 'x' } })
        await eventually('the event', () =>
          watch.events().some((event) => event.object.metadata.name === 'x'),
        )
      }
      t.same(names((await face.request('GET /api/v1/pods')).json), ['web'], 'pods: all of this node’s')
    },
  )

  await t.test(
    'rule 8: a namespace is the physical one with the tenant’s name, also made again',
    async (t) => {
      const watch = await face.stream('/api/v1/namespaces?watch=true')
      const first = await post('/api/v1/namespaces', { metadata: { name: 'again', labels: { team: 'a' } } })
      t.same(first.json.metadata.labels, { team: 'a', 'kubernetes.io/metadata.name': 'again' })
      const refused = await post('/api/v1/namespaces', {
        metadata: { name: 'lax', labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
      })
      t.equal(refused.status, 422)
      const before = face.fakes.directory.namespace(face.nodeId, 'again')?.physicalName ?? ''
      t.equal((await face.request('DELETE /api/v1/namespaces/again')).status, 200)
      await eventually(
        'it is gone',
        async () => (await face.request('GET /api/v1/namespaces/again')).status === 404,
      )
      await face.fakes.namespaces.drop(face.nodeId, before)
      const second = await post('/api/v1/namespaces', { metadata: { name: 'again' } })
      t.equal(second.status, 201, second.text)
      t.not(second.json.metadata.uid, first.json.metadata.uid)
      await eventually('ADDED, DELETED, ADDED', () => {
        const seen = watch.events().filter((event) => event.object.metadata.name === 'again')
        return (
          seen
            .filter((event) => event.type !== 'MODIFIED')
            .map((event) => event.type)
            .join() === 'ADDED,DELETED,ADDED'
        )
      })
      t.equal((await post('/api/v1/namespaces', { metadata: { name: 'again' } })).status, 409)
      const byName = await face.request(
        'GET /api/v1/namespaces?labelSelector=kubernetes.io/metadata.name%3Dagain',
      )
      t.same(names(byName.json), ['again'])
    },
  )

  await t.test('rule 9: namespace, secret and pod in one burst', async (t) => {
    const [made] = [await post('/api/v1/namespaces', { metadata: { name: 'burst' } })]
    const [secret, one] = await Promise.all([
      post('/api/v1/namespaces/burst/secrets', { metadata: { name: 's' } }),
      post('/api/v1/namespaces/burst/pods', pod('p')),
    ])
    t.same([made.status, secret.status, one.status], [201, 201, 201])
  })

  await t.test('rule 10: a missing namespace reads like another tenant’s, byte for byte', async (t) => {
    for (const line of [
      'GET /api/v1/namespaces/NAME',
      'GET /api/v1/namespaces/NAME/pods/web',
      'GET /api/v1/namespaces/NAME/secrets/x',
      'GET /api/v1/namespaces/NAME/pods/web/log',
      'DELETE /api/v1/namespaces/NAME/pods/web',
    ]) {
      const theirs = await face.request(line.replace('NAME', 'hidden'))
      const nobodys = await face.request(line.replace('NAME', 'absent'))
      t.equal(theirs.status, 404)
      t.equal(theirs.text.replaceAll('hidden', 'absent'), nobodys.text, line)
    }
    const list = await face.request('GET /api/v1/namespaces/hidden/pods')
    t.equal(list.status, 200)
    t.same(list.json.items, [])
    t.ok(list.json.metadata.resourceVersion, 'a watch can start from it')
    const create = await post('/api/v1/namespaces/hidden/pods', pod('p'))
    t.equal(create.status, 404)
    t.equal(create.json.message, 'namespaces "hidden" not found')
  })

  await t.test('rule 11: selectors are read and written anew', async (t) => {
    const get = (query: string) => face.request(`GET /api/v1/pods?${query}`)
    t.equal((await get(`fieldSelector=${encodeURIComponent('metadata.name=a\\')}`)).status, 400)
    t.equal((await get('labelSelector=isthmus.dev/node%3Dx')).status, 400)
    t.equal((await get('labelSelector=!isthmus.dev/node')).status, 400)
    t.equal((await get('fieldSelector=status.hostIP%3D10.0.0.1')).status, 400)
    t.same(names((await get('labelSelector=app%3Dweb')).json), ['web'])
    t.same(names((await get('labelSelector=app+notin+(web)')).json), ['p'])
    t.same(names((await get('fieldSelector=metadata.namespace%3Dshop')).json), ['web'])
    t.same(names((await get('fieldSelector=metadata.namespace%3Dhidden')).json), [], 'another tenant’s')
    await eventually('the pod is bound', async () => {
      const own = await get('fieldSelector=spec.nodeName%3Dvirtual,metadata.name%3Dweb')
      return names(own.json).length === 1
    })
    t.same(names((await get('fieldSelector=spec.nodeName%3Dsandbox')).json), [], 'no oracle of placement')
  })

  await t.test('rule 12: a continue token is good for its own list alone', async (t) => {
    for (const name of ['c1', 'c2', 'c3']) {
      await post('/api/v1/namespaces/shop/configmaps', { metadata: { name } })
      await post('/api/v1/namespaces/shop/configmaps', { metadata: { name } }, other.token)
    }
    const page = await face.request('GET /api/v1/namespaces/shop/configmaps?limit=2')
    const token = page.json.metadata.continue
    t.ok(token)
    t.notMatch(Buffer.from(token, 'base64').toString('latin1'), 'start')
    const next = await face.request(`GET /api/v1/namespaces/shop/configmaps?limit=2&continue=${token}`)
    t.equal(next.status, 200, next.text)
    t.not(names(next.json)[0], names(page.json)[0])
    for (const [line, who] of [
      [`GET /api/v1/namespaces/burst/configmaps?continue=${token}`, face.token],
      [`GET /api/v1/namespaces/shop/secrets?continue=${token}`, face.token],
      [`GET /api/v1/namespaces/shop/configmaps?labelSelector=a&continue=${token}`, face.token],
      [`GET /api/v1/namespaces/shop/configmaps?continue=${token}`, other.token],
      [`GET /api/v1/namespaces/shop/configmaps?continue=${token.slice(0, -4)}AAAA`, face.token],
      ['GET /api/v1/namespaces/shop/configmaps?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ', face.token],
    ] as const) {
      t.equal((await face.request(line, { token: who })).status, 400, line)
    }
  })

  await t.test('rule 13: tables, whose first event carries the columns', async (t) => {
    const table = await face.request('GET /api/v1/pods', { headers: { accept: TABLE } })
    t.equal(table.json.kind, 'Table')
    t.same(
      table.json.columnDefinitions.map((column: Loose) => column.name),
      ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'],
    )
    t.ok(table.json.rows.every((row: Loose) => ['virtual', '<none>'].includes(row.cells[6])))
    t.equal(table.json.rows[0].object.kind, 'PartialObjectMetadata')
    const none = await face.request('GET /api/v1/pods?includeObject=None', { headers: { accept: TABLE } })
    t.equal(none.json.rows[0].object, undefined)
    t.equal(none.json.rows.length, table.json.rows.length)
    const noVersion = await face.request('GET /api/v1/pods', {
      headers: { accept: 'application/json;as=Table,application/json' },
    })
    t.equal(noVersion.json.kind, 'PodList')
    const partial = await face.request('GET /api/v1/pods', {
      headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    })
    t.equal(partial.json.kind, 'PartialObjectMetadataList')
    t.equal(partial.json.items[0].spec, undefined)
    const watch = await face.stream('/api/v1/pods?watch=true', { headers: { accept: TABLE } })
    await eventually('two rows', () => watch.lines.length >= 2)
    const [first, second] = watch.events()
    t.equal(first.object.columnDefinitions.length, 9)
    t.equal(second.object.columnDefinitions, null)
  })

  await t.test('nothing that was returned names a physical namespace', async (t) => {
    t.ok(face.returned.length > 50)
    t.same(
      face.returned.filter((text) => /t-[a-z2-7]{26}/.test(text)),
      [],
    )
    t.same(face.leaks, [], 'and the last wall had nothing to do')
  })
})

t.test('rule 8: an unknown namespace in a stream is read through', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const physicalName = drawPhysicalName()
  let refreshed = 0
  face.fakes.directory.refresh = async () => {
    refreshed++
    face.fakes.addNamespace(principal.nodeId, 'late', physicalName)
  }
  const event = (namespace: string) => ({
    type: 'ADDED',
    object: {
      metadata: { name: 'e', namespace, resourceVersion: '5' },
      involvedObject: { kind: 'Pod', name: 'web', namespace },
      reason: 'Started',
      message: 'Started container main',
    },
  })
  upstream.on('GET /api/v1/events', (response) => {
    response.write(`${JSON.stringify(event('kube-system'))}\n`)
    response.end(`${JSON.stringify(event(physicalName))}\n`)
  })
  const watch = await face.stream('/api/v1/events?watch=true')
  await eventually('the watch has ended', () => watch.ended)
  t.same(
    watch.events().map((one) => one.object.metadata.namespace),
    ['late'],
  )
  t.equal(refreshed, 1, 'other namespaces of the cluster cost no query')
})

t.test(
  'rule 9: a new namespace is answered when Secrets can be read and the ServiceAccount is there',
  async (t) => {
    const upstream = await startRecordingUpstream(t)
    const face = await startFace(t, { client: upstream.client, deps: { namespaceReadyMs: 2_000 } })
    face.fakes.addNode()
    let made: Loose
    upstream.on('POST /api/v1/namespaces', (response, request) => {
      made = JSON.parse(request.body)
      response.writeHead(201, { 'content-type': 'application/json' }).end(request.body)
    })
    upstream.on('POST /apis/rbac', { status: 201, json: {} })
    let reviews = 0
    upstream.on('POST /apis/authorization.k8s.io', (response) => {
      reviews++
      response.writeHead(201).end(JSON.stringify({ status: { allowed: reviews > 2 } }))
    })
    const account = (there: boolean) =>
      upstream.on('GET /api/v1/namespaces/t-', (response, request) => {
        const ok = there && request.url.includes('/serviceaccounts/default')
        response
          .writeHead(ok ? 200 : 404)
          .end(JSON.stringify(ok ? {} : { kind: 'Status', code: 404, reason: 'NotFound' }))
      })
    account(true)
    const answer = await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
    t.equal(answer.status, 201, answer.text)
    t.equal(reviews, 3)
    t.match(made.metadata.name, /^t-[a-z2-7]{26}$/)
    t.equal(made.metadata.labels['isthmus.dev/namespace'], 'shop')
    account(false)
    const late = await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'slow' } } })
    t.equal(late.status, 503, 'and not for ever')
  },
)

t.test(
  'rule 9: Secrets of a namespace that is going read as empty, a missing right stays an error',
  async (t) => {
    const upstream = await startRecordingUpstream(t)
    const face = await startFace(t, { client: upstream.client })
    const { principal } = face.fakes.addNode()
    const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
    const refused = {
      status: 403,
      json: { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no RoleBinding' },
    }
    upstream.on(`GET /api/v1/namespaces/${physicalName}/secrets`, refused)
    upstream.on('GET /api/v1/pods', { json: { metadata: { resourceVersion: '8' }, items: [] } })
    const namespace = (deletionTimestamp?: string) =>
      upstream.on(`GET /api/v1/namespaces/${physicalName}`, {
        json: { metadata: { name: physicalName, deletionTimestamp } },
      })
    const paths = ['secrets', 'secrets/x', 'secrets?watch=true&timeoutSeconds=0']
    namespace()
    for (const path of paths)
      t.equal((await face.request(`GET /api/v1/namespaces/shop/${path}`)).status, 403, path)
    namespace('2026-01-01T00:00:00Z')
    const going = []
    for (const path of paths) going.push((await face.request(`GET /api/v1/namespaces/shop/${path}`)).status)
    t.same(going, [200, 404, 200])
  },
)

t.test('rule 12: a 410’s own continue token stays inside', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  upstream.on('GET /api/v1/pods', {
    status: 410,
    json: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: `too old ${physicalName}`,
      metadata: { continue: Buffer.from(`{"start":"${physicalName}/x"}`).toString('base64') },
    },
  })
  const answer = await face.request('GET /api/v1/pods?limit=1')
  t.equal(answer.status, 410)
  t.equal(answer.json.reason, 'Expired')
  t.equal(answer.json.metadata.continue, undefined)
  t.notMatch(answer.text, physicalName)
})
