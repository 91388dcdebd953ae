import { type Any, call, ok, openApi, patch, podOf } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'

t.test('pods: what an API server makes of them', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const pods = `/api/v1/namespaces/${ns}/pods`
  // A scheduler that is not there: nothing binds these pods.
  const lone = (name: string, more: Record<string, unknown> = {}, container: Record<string, unknown> = {}) =>
    podOf(name, { schedulerName: 'nobody', ...more }, container)
  const create = (body: unknown) => ok(call(admin, 'POST', pods, body))
  const node = 'contract-node-that-is-not-there'

  await t.test('defaults, Pending, quality of service', async (t) => {
    const pod = await create(lone('defaults', {}, { resources: { limits: { cpu: '1', memory: '1Gi' } } }))
    t.match(pod.spec, {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      enableServiceLinks: true,
      priority: 0,
    })
    t.match(pod.spec.containers[0], {
      imagePullPolicy: 'IfNotPresent',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      resources: { requests: { cpu: '1', memory: '1Gi' } },
    })
    t.match(pod.status, { phase: 'Pending', qosClass: 'Guaranteed' })
    t.equal(pod.metadata.generation, 1)
    t.equal((await create(lone('latest', {}, { image: 'x' }))).spec.containers[0].imagePullPolicy, 'Always')
  })

  await t.test('tolerations of a node that is away, 300 s', async (t) => {
    const { spec } = await create(lone('tolerations'))
    for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
      const found = spec.tolerations.find((each: { key: string }) => each.key === key)
      t.match(found, { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
    }
  })

  await t.test('the ServiceAccount volume is injected, unless the pod says no', async (t) => {
    const { spec } = await create(lone('with-token'))
    const [mount] = spec.containers[0].volumeMounts
    t.match(mount.name, /^kube-api-access-[a-z0-9]{5}$/)
    t.equal(mount.mountPath, '/var/run/secrets/kubernetes.io/serviceaccount')
    const { sources } = spec.volumes.find((each: { name: string }) => each.name === mount.name).projected
    t.same(sources[0], { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } })
    t.equal(sources[1].configMap.name, 'kube-root-ca.crt')
    t.equal(sources[2].downwardAPI.items[0].fieldRef.fieldPath, 'metadata.namespace')
    t.notOk((await create(lone('no-token', { automountServiceAccountToken: false }))).spec.volumes)
  })

  await t.test('faults are 422 with a cause for each field', async (t) => {
    const reply = await call(admin, 'POST', pods, {
      metadata: { name: 'bad' },
      spec: {
        restartPolicy: 'Sometimes',
        containers: [
          { name: 'a', image: 'x', volumeMounts: [{ name: 'none', mountPath: '/x' }] },
          { name: 'a', image: 'x' },
          { name: 'C', image: 'x', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
          { name: 'd' },
        ],
      },
    })
    t.equal(reply.status, 422)
    const status = reply.json<Any>()
    t.match(status['message'], /^Pod "bad" is invalid: \[/)
    const faults = status.details.causes.map(
      (each: { field: string; reason: string }) => `${each.field} ${each.reason}`,
    )
    for (const fault of [
      'spec.containers[0].volumeMounts[0].name FieldValueNotFound',
      'spec.containers[1].name FieldValueDuplicate',
      'spec.containers[2].name FieldValueInvalid',
      'spec.containers[2].resources.requests FieldValueInvalid',
      'spec.containers[3].image FieldValueRequired',
      'spec.restartPolicy FieldValueNotSupported',
    ]) {
      t.ok(faults.includes(fault), fault)
    }
    t.equal((await call(admin, 'POST', pods, { metadata: { name: 'bad' }, spec: {} })).status, 422)
  })

  await t.test('odd quantities are refused', async (t) => {
    for (const cpu of ['0x10', '-1', 'abc']) {
      const reply = await call(admin, 'POST', pods, lone('quantity', {}, { resources: { limits: { cpu } } }))
      t.ok([400, 422].includes(reply.status), `${cpu}: ${reply.status}`)
    }
  })

  await t.test(
    'rule 6a: unknown fields by fieldValidation: 400, dropped with a warning, dropped',
    async (t) => {
      const body = { ...lone('odd'), spec: { ...lone('odd').spec, madeUp: true } }
      const strict = await call(admin, 'POST', `${pods}?fieldValidation=Strict`, body)
      t.equal(strict.status, 400)
      t.match(strict.json<Any>()['message'], /unknown field "spec\.madeUp"/)
      const warned = await call(admin, 'POST', `${pods}?fieldValidation=Warn&dryRun=All`, body)
      t.match(String(warned.headers['warning']), /unknown field \\"spec\.madeUp\\"/)
      t.notOk(warned.json<Any>().spec.madeUp)
      const ignored = await call(admin, 'POST', `${pods}?fieldValidation=Ignore&dryRun=All`, body)
      t.equal(ignored.status, 201)
      t.notOk(ignored.headers['warning'])
    },
  )

  await t.test('of a spec only image, deadline, added tolerations and gates may change', async (t) => {
    const pod = await create(lone('fixed'))
    const put = (spec: object) =>
      call(admin, 'PUT', `${pods}/fixed`, { ...pod, spec: { ...pod.spec, ...spec } })
    const refused = await put({ hostname: 'new' })
    t.equal(refused.status, 422)
    t.match(
      refused.json<Any>()['message'],
      /Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields other than/,
    )
    const env = [{ ...pod.spec.containers[0], env: [{ name: 'A', value: 'b' }] }]
    t.equal((await put({ containers: env })).status, 422)
    const image = [{ ...pod.spec.containers[0], image: 'other:1' }]
    const changed = await ok(put({ containers: image }))
    t.equal(changed.metadata.generation, 2)
  })

  await t.test('status and spec are written apart', async (t) => {
    await create(lone('apart'))
    const viaMain = await ok(patch(admin, 'merge', `${pods}/apart`, { status: { message: 'from main' } }))
    t.notOk(viaMain.status.message)
    const body = {
      status: { message: 'hello' },
      spec: { hostname: 'x' },
      metadata: { annotations: { a: 'b' } },
    }
    const viaStatus = await ok(patch(admin, 'merge', `${pods}/apart/status`, body))
    t.equal(viaStatus.status.message, 'hello')
    t.notOk(viaStatus.spec.hostname)
    t.equal(viaStatus.metadata.annotations?.['a'], 'b')
    t.equal(viaStatus.metadata.generation, 1)
  })

  await t.test(
    'rule 34: podIPs merge by ip, so that a changed address is 422, replaced it is taken',
    async (t) => {
      await create(lone('address'))
      const path = `${pods}/address/status`
      await ok(
        patch(admin, 'strategic-merge', path, {
          status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] },
        }),
      )
      const change = { status: { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }] } }
      t.equal((await patch(admin, 'strategic-merge', path, change)).status, 422)
      const replace = { status: { podIP: '10.0.0.2', podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.2' }] } }
      t.same((await ok(patch(admin, 'strategic-merge', path, replace))).status.podIPs, [{ ip: '10.0.0.2' }])
      t.equal((await patch(admin, 'merge', path, { status: { qosClass: 'Guaranteed' } })).status, 422)
    },
  )

  await t.test('rule 35: the API does not guard a terminal phase', async (t) => {
    await create(lone('terminal'))
    const path = `${pods}/terminal/status`
    await ok(patch(admin, 'merge', path, { status: { phase: 'Succeeded' } }))
    t.equal((await ok(patch(admin, 'merge', path, { status: { phase: 'Running' } }))).status.phase, 'Running')
  })

  await t.test('a pod that is not bound goes at once, a bound one by its grace, once', async (t) => {
    await create(lone('unbound'))
    const answer = await ok(call(admin, 'DELETE', `${pods}/unbound`))
    t.equal(answer.kind, 'Pod')
    t.equal((await call(admin, 'GET', `${pods}/unbound`)).status, 404)

    await create(lone('bound', { nodeName: node, terminationGracePeriodSeconds: 50 }))
    const marked = await ok(call(admin, 'DELETE', `${pods}/bound`))
    t.equal(marked.metadata.deletionGracePeriodSeconds, 50)
    t.ok(marked.metadata.deletionTimestamp)
    const longer = await ok(call(admin, 'DELETE', `${pods}/bound`, { gracePeriodSeconds: 90 }))
    t.equal(longer.metadata.deletionGracePeriodSeconds, 50, 'never longer')
    const shorter = await ok(call(admin, 'DELETE', `${pods}/bound`, { gracePeriodSeconds: 5 }))
    t.equal(shorter.metadata.deletionGracePeriodSeconds, 5)
    t.equal((await ok(call(admin, 'GET', `${pods}/bound`))).metadata.uid, marked.metadata.uid, 'still there')
    await ok(call(admin, 'DELETE', `${pods}/bound`, { gracePeriodSeconds: 0 }))
    t.equal((await call(admin, 'GET', `${pods}/bound`)).status, 404)
  })

  await t.test('rule 36: with finalizers left a DELETE of grace 0 holds the pod until they go', async (t) => {
    const pod = lone('final', { nodeName: node })
    await create({ ...pod, metadata: { ...pod.metadata, finalizers: ['example.com/hold'] } })
    await ok(call(admin, 'DELETE', `${pods}/final`, { gracePeriodSeconds: 0 }))
    const held = await ok(call(admin, 'GET', `${pods}/final`))
    t.equal(held.metadata.deletionGracePeriodSeconds, 0)
    const again = await ok(call(admin, 'DELETE', `${pods}/final`, { gracePeriodSeconds: 0 }))
    t.equal(again.metadata.resourceVersion, held.metadata.resourceVersion, 'changes nothing')
    await patch(admin, 'json', `${pods}/final`, [{ op: 'remove', path: '/metadata/finalizers' }])
    t.equal((await call(admin, 'GET', `${pods}/final`)).status, 404)
  })

  await t.test('binding sets the node once', async (t) => {
    await create(lone('binding'))
    const body = { metadata: { name: 'binding' }, target: { kind: 'Node', name: node } }
    t.equal((await call(admin, 'POST', `${pods}/binding/binding`, body)).status, 201)
    const pod = await ok(call(admin, 'GET', `${pods}/binding`))
    t.equal(pod.spec.nodeName, node)
    t.ok(
      pod.status.conditions.some(
        (each: { type: string; status: string }) => each.type === 'PodScheduled' && each.status === 'True',
      ),
    )
    t.equal((await call(admin, 'POST', `${pods}/binding/binding`, body)).status, 409)
  })

  await t.test('eviction deletes, and minds its preconditions', async (t) => {
    await create(lone('evicted', { nodeName: node }))
    const body = (uid?: string) => ({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'evicted', namespace: ns },
      ...(uid ? { deleteOptions: { preconditions: { uid } } } : {}),
    })
    const wrong = await call(
      admin,
      'POST',
      `${pods}/evicted/eviction`,
      body('00000000-0000-4000-8000-000000000000'),
    )
    t.equal(wrong.status, 409)
    t.equal((await call(admin, 'POST', `${pods}/evicted/eviction`, body())).status, 201)
    const left = await call(admin, 'GET', `${pods}/evicted`)
    t.ok(left.status === 404 || left.json<Any>().metadata.deletionTimestamp)
    await call(admin, 'DELETE', `${pods}/evicted`, { gracePeriodSeconds: 0 })
  })

  await t.test('ephemeral containers come by their subresource and stay', async (t) => {
    const pod = await create(lone('debug', { nodeName: node }))
    const extra = { name: 'shell', image: 'x', targetContainerName: 'main' }
    const spec = { ...pod.spec, ephemeralContainers: [extra] }
    t.equal((await call(admin, 'PUT', `${pods}/debug`, { ...pod, spec })).status, 422)
    const added = await ok(call(admin, 'PUT', `${pods}/debug/ephemeralcontainers`, { ...pod, spec }))
    t.equal(added.spec.ephemeralContainers[0].name, 'shell')
    const none = { ...added, spec: { ...added.spec, ephemeralContainers: [] } }
    t.equal((await call(admin, 'PUT', `${pods}/debug/ephemeralcontainers`, none)).status, 422)
    await call(admin, 'DELETE', `${pods}/debug`, { gracePeriodSeconds: 0 })
  })

  await t.test('priority classes: their number goes into the pod, a missing one is 403', async (t) => {
    t.equal((await call(admin, 'POST', pods, lone('prio', { priorityClassName: 'missing' }))).status, 403)
  })

  await t.test('logs and exec of a pod without a node are 400, odd log options too', async (t) => {
    await create(lone('nowhere'))
    t.equal((await call(admin, 'GET', `${pods}/nowhere/exec?command=true`)).status, 400)
    const twice = `${pods}/nowhere/log?sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z`
    t.ok([400, 422].includes((await call(admin, 'GET', twice)).status))
    t.ok([400, 422].includes((await call(admin, 'GET', `${pods}/nowhere/log?tailLines=-1`)).status))
    t.equal((await call(admin, 'GET', `${pods}/missing/log`)).status, 404)
  })
})
