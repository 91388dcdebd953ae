import { type Any, call, ok, openApi } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'

t.test('objects: create, read, replace, delete', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const maps = `/api/v1/namespaces/${ns}/configmaps`

  await t.test('create answers the object with uid, resourceVersion and creationTimestamp', async (t) => {
    const reply = await call(admin, 'POST', maps, {
      metadata: { name: 'one', labels: { a: 'b' } },
      data: { k: 'v' },
    })
    t.equal(reply.status, 201)
    const object = reply.json<Any>()
    t.match(object, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'one', namespace: ns },
      data: { k: 'v' },
    })
    t.match(object.metadata.uid, /^[0-9a-f-]{36}$/)
    t.match(object.metadata.resourceVersion, /^\d+$/)
    t.same((await ok(call(admin, 'GET', `${maps}/one`))).metadata.uid, object.metadata.uid)
  })

  await t.test('a second create of the name is 409 AlreadyExists', async (t) => {
    const reply = await call(admin, 'POST', maps, { metadata: { name: 'one' } })
    t.equal(reply.status, 409)
    t.match(reply.json(), {
      kind: 'Status',
      status: 'Failure',
      reason: 'AlreadyExists',
      message: 'configmaps "one" already exists',
      details: { name: 'one', kind: 'configmaps' },
      code: 409,
    })
  })

  await t.test('generateName draws a suffix', async (t) => {
    const first = await ok(call(admin, 'POST', maps, { metadata: { generateName: 'gen-' } }))
    const second = await ok(call(admin, 'POST', maps, { metadata: { generateName: 'gen-' } }))
    t.match(first.metadata.name, /^gen-[a-z0-9]{5}$/)
    t.not(first.metadata.name, second.metadata.name)
  })

  await t.test('what is missing is 404 with its name', async (t) => {
    const reply = await call(admin, 'GET', `${maps}/missing`)
    t.equal(reply.status, 404)
    t.match(reply.json(), {
      reason: 'NotFound',
      message: 'configmaps "missing" not found',
      details: { name: 'missing' },
    })
  })

  await t.test('a replace with an old resourceVersion is 409 Conflict and changes nothing', async (t) => {
    const before = await ok(call(admin, 'GET', `${maps}/one`))
    const after = await ok(call(admin, 'PUT', `${maps}/one`, { ...before, data: { k: 'w' } }))
    t.not(after.metadata.resourceVersion, before.metadata.resourceVersion)
    const stale = await call(admin, 'PUT', `${maps}/one`, { ...before, data: { k: 'x' } })
    t.equal(stale.status, 409)
    t.match(stale.json(), {
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
    })
    t.equal((await ok(call(admin, 'GET', `${maps}/one`))).data.k, 'w')
  })

  await t.test(
    'a replace without resourceVersion is unconditional, one that changes nothing keeps the version',
    async (t) => {
      const body = { metadata: { name: 'one', labels: { a: 'b' } }, data: { k: 'y' } }
      const first = await ok(call(admin, 'PUT', `${maps}/one`, body))
      const second = await ok(call(admin, 'PUT', `${maps}/one`, body))
      t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    },
  )

  await t.test('a replace with another uid is 409', async (t) => {
    const uid = '00000000-0000-4000-8000-000000000000'
    t.equal((await call(admin, 'PUT', `${maps}/one`, { metadata: { name: 'one', uid } })).status, 409)
  })

  await t.test('names in path and body have to agree', async (t) => {
    const other = await call(admin, 'PUT', `${maps}/one`, { metadata: { name: 'two' } })
    t.equal(other.status, 400)
    const elsewhere = await call(admin, 'POST', maps, { metadata: { name: 'x', namespace: 'default' } })
    t.equal(elsewhere.status, 400)
    const kind = await call(admin, 'POST', maps, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x' },
    })
    t.equal(kind.status, 400)
  })

  await t.test('names that are no DNS names are 422, and the field is named', async (t) => {
    for (const name of ['UPPER', 'a..b', '-a', 'a_b', 'x'.repeat(254)]) {
      const reply = await call(admin, 'POST', maps, { metadata: { name } })
      t.equal(reply.status, 422, name)
      t.equal(reply.json<Any>().details.causes[0].field, 'metadata.name')
    }
  })

  await t.test('bodies that are no JSON are 400, other media types 415', async (t) => {
    t.equal((await call(admin, 'POST', maps, '{')).status, 400)
    t.equal((await call(admin, 'POST', maps, '{}', { 'content-type': 'text/plain' })).status, 415)
    const yaml = await call(admin, 'POST', maps, 'metadata: {name: from-yaml}', {
      'content-type': 'application/yaml',
    })
    t.equal(yaml.status, 201)
  })

  await t.test('a dry run answers what would be, and stores nothing', async (t) => {
    const made = await call(admin, 'POST', `${maps}?dryRun=All`, { metadata: { name: 'dry' } })
    t.equal(made.status, 201)
    t.match(made.json<Any>().metadata.uid, /^[0-9a-f-]{36}$/)
    t.equal((await call(admin, 'GET', `${maps}/dry`)).status, 404)
    await ok(call(admin, 'PUT', `${maps}/one?dryRun=All`, { metadata: { name: 'one' }, data: { k: 'dry' } }))
    await ok(call(admin, 'DELETE', `${maps}/one?dryRun=All`))
    t.equal((await ok(call(admin, 'GET', `${maps}/one`))).data.k, 'y')
    t.equal((await call(admin, 'POST', `${maps}?dryRun=Some`, { metadata: { name: 'z' } })).status, 422)
  })

  await t.test('delete with preconditions: another uid or version is 409', async (t) => {
    const { metadata } = await ok(call(admin, 'GET', `${maps}/one`))
    const wrong = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } }
    t.equal((await call(admin, 'DELETE', `${maps}/one`, wrong)).status, 409)
    t.equal(
      (await call(admin, 'DELETE', `${maps}/one`, { preconditions: { resourceVersion: '1' } })).status,
      409,
    )
    const gone = await ok(call(admin, 'DELETE', `${maps}/one`, { preconditions: { uid: metadata.uid } }))
    t.match(gone, { kind: 'Status', status: 'Success', details: { name: 'one', uid: metadata.uid } })
    t.equal((await call(admin, 'GET', `${maps}/one`)).status, 404)
  })

  await t.test('finalizers hold an object until the last one is taken away', async (t) => {
    await ok(call(admin, 'POST', maps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } }))
    const marked = await ok(call(admin, 'DELETE', `${maps}/held`))
    t.ok(marked.metadata.deletionTimestamp)
    const held = await ok(call(admin, 'GET', `${maps}/held`))
    t.ok(held.metadata.deletionTimestamp)
    held.metadata.finalizers = []
    await call(admin, 'PUT', `${maps}/held`, held)
    t.equal((await call(admin, 'GET', `${maps}/held`)).status, 404)
  })

  await t.test('deletecollection removes what the selector says and answers it', async (t) => {
    for (const name of ['c1', 'c2'])
      await ok(call(admin, 'POST', maps, { metadata: { name, labels: { set: 'c' } } }))
    await ok(call(admin, 'POST', maps, { metadata: { name: 'c3' } }))
    const answer = await ok(call(admin, 'DELETE', `${maps}?labelSelector=set%3Dc`))
    t.same(answer.items.map((item: Any) => item.metadata.name).sort(), ['c1', 'c2'])
    t.equal((await call(admin, 'GET', `${maps}/c1`)).status, 404)
    t.equal((await call(admin, 'GET', `${maps}/c3`)).status, 200)
  })

  await t.test('dependents follow their owner, unless they are orphaned', async (t) => {
    for (const policy of ['Background', 'Orphan']) {
      const name = `owner-${policy.toLowerCase()}`
      const owner = await ok(call(admin, 'POST', maps, { metadata: { name } }))
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: owner.metadata.uid }]
      await ok(call(admin, 'POST', maps, { metadata: { name: `${name}-child`, ownerReferences } }))
      await ok(call(admin, 'DELETE', `${maps}/${name}`, { propagationPolicy: policy }))
      await eventually(
        'the owner is gone',
        async () => (await call(admin, 'GET', `${maps}/${name}`)).status === 404,
      )
      const child = () => call(admin, 'GET', `${maps}/${name}-child`)
      if (policy === 'Background')
        await eventually('the child is gone', async () => (await child()).status === 404)
      else t.notOk((await ok(child())).metadata['ownerReferences' as 'uid'], 'let go of')
    }
    t.pass('background removes, orphan lets go')
  })
})

t.test('namespaces: a missing one, a new one, one that goes', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()

  await t.test('rule 10: LIST in a missing namespace is empty, create is 404 of the namespace', async (t) => {
    const list = await ok(call(admin, 'GET', '/api/v1/namespaces/nowhere/configmaps'))
    t.same(list.items, [])
    const reply = await call(admin, 'POST', '/api/v1/namespaces/nowhere/configmaps', {
      metadata: { name: 'a' },
    })
    t.equal(reply.status, 404)
    t.match(reply.json(), { message: 'namespaces "nowhere" not found', reason: 'NotFound' })
  })

  await t.test('a new namespace is Active and gets its ServiceAccount and root certificate', async (t) => {
    const { status, metadata } = await ok(call(admin, 'GET', `/api/v1/namespaces/${ns}`))
    t.equal(status.phase, 'Active')
    t.equal(metadata.labels?.['kubernetes.io/metadata.name'], ns)
    const map = await eventually('kube-root-ca.crt', async () => {
      const reply = await call(admin, 'GET', `/api/v1/namespaces/${ns}/configmaps/kube-root-ca.crt`)
      return reply.status === 200 && reply.json<Any>()
    })
    t.match(map.data['ca.crt'], /BEGIN CERTIFICATE/)
  })

  await t.test('a deleted namespace takes nothing new, is emptied and goes', async (t) => {
    const maps = `/api/v1/namespaces/${ns}/configmaps`
    await ok(call(admin, 'POST', maps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } }))
    const answer = await ok(call(admin, 'DELETE', `/api/v1/namespaces/${ns}`))
    t.equal(answer.status.phase, 'Terminating')
    const refused = await call(admin, 'POST', maps, { metadata: { name: 'late' } })
    t.equal(refused.status, 403)
    t.equal(refused.json<Any>().details.causes[0].reason, 'NamespaceTerminating')
    await eventually('the content is marked', async () => {
      return (await ok(call(admin, 'GET', `${maps}/held`))).metadata.deletionTimestamp
    })
    const held = await ok(call(admin, 'GET', `${maps}/held`))
    held.metadata.finalizers = []
    await call(admin, 'PUT', `${maps}/held`, held)
    await eventually(
      'gone',
      async () => (await call(admin, 'GET', `/api/v1/namespaces/${ns}`)).status === 404,
      30_000,
    )
  })
})
