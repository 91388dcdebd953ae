import { randomBytes } from 'node:crypto'
import { type Any, call, ok, openApi, patch, podOf } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import type { HttpTarget } from '../../support/world/http.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const suffix = randomBytes(3).toString('hex')

/** Requests as another user, by the administrator's right to impersonate. */
const as = (user: string) => (target: HttpTarget, method: string, path: string, body?: unknown) =>
  call(target, method, path, body, { 'impersonate-user': user })

t.test('roles', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const user = `alice-${suffix}`
  const alice = as(user)
  const roles = `${RBAC}/namespaces/${ns}/roles`
  const bindings = `${RBAC}/namespaces/${ns}/rolebindings`
  const pods = `/api/v1/namespaces/${ns}/pods`

  await t.test('who has no role is 403, and the text says what was asked', async (t) => {
    const reply = await alice(admin, 'GET', pods)
    t.equal(reply.status, 403)
    t.match(reply.json(), {
      reason: 'Forbidden',
      message: `pods is forbidden: User "${user}" cannot list resource "pods" in API group "" in the namespace "${ns}"`,
      details: { kind: 'pods' },
    })
    const wide = await alice(admin, 'GET', '/api/v1/nodes')
    t.match(wide.json<Any>()['message'], /cannot list resource "nodes" in API group "" at the cluster scope$/)
  })

  await t.test('a role bound in a namespace counts there: verbs, subresources, names', async (t) => {
    const rules = [
      { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['mine'],
        verbs: ['get', 'watch', 'list', 'update'],
      },
    ]
    await ok(call(admin, 'POST', roles, { metadata: { name: 'reader' }, rules }))
    await ok(
      call(admin, 'POST', bindings, {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
      }),
    )
    await eventually('the role counts', async () => (await alice(admin, 'GET', pods)).status === 200)
    t.equal((await alice(admin, 'POST', pods, podOf('p'))).status, 403)
    t.equal((await alice(admin, 'GET', '/api/v1/namespaces/default/pods')).status, 403)
    t.equal((await alice(admin, 'GET', `${pods}/x/log`)).status, 404, 'allowed, and not there')
    t.equal((await alice(admin, 'GET', `${pods}/x/exec?command=a`)).status, 403)
    const maps = `/api/v1/namespaces/${ns}/configmaps`
    t.equal((await alice(admin, 'GET', `${maps}/mine`)).status, 404)
    t.equal((await alice(admin, 'GET', `${maps}/other`)).status, 403)
    t.equal((await alice(admin, 'GET', `${maps}?fieldSelector=metadata.name%3Dmine`)).status, 200)
    t.equal((await alice(admin, 'GET', maps)).status, 403)
  })

  await t.test('reviews say the same as requests', async (t) => {
    const review = async (attributes: object) => {
      const body = { spec: { resourceAttributes: { namespace: ns, ...attributes } } }
      const reply = await ok(
        alice(admin, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body),
      )
      return reply.status.allowed
    }
    t.equal(await review({ verb: 'get', resource: 'pods' }), true)
    t.equal(await review({ verb: 'delete', resource: 'pods' }), false)
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
    const spec = {
      user,
      resourceAttributes: { namespace: ns, verb: 'get', resource: 'pods', subresource: 'log' },
    }
    t.equal((await ok(call(admin, 'POST', path, { spec }))).status.allowed, true)
    const who = await ok(alice(admin, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}))
    t.equal(who.status.userInfo.username, user)
  })

  await t.test('nobody grants what they do not hold; bind lets them bind that one role', async (t) => {
    const rules = [
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] },
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        resourceNames: ['view'],
        verbs: ['bind'],
      },
    ]
    await ok(call(admin, 'POST', roles, { metadata: { name: 'binder' }, rules }))
    await ok(
      call(admin, 'POST', bindings, {
        metadata: { name: 'binder' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'binder' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
      }),
    )
    const bind = (role: string) =>
      alice(admin, 'POST', bindings, {
        metadata: { name: `to-${role}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
      })
    await eventually('view may be bound', async () => (await bind('view')).status === 201)
    const refused = await bind('cluster-admin')
    t.equal(refused.status, 403)
    t.match(refused.json<Any>()['message'], /attempting to grant RBAC permissions not currently held/)
  })

  await t.test(
    'nobody at all is 403 or 401, a wrong token is 401; health and version are public',
    async (t) => {
      const nobody = { server: admin.server, ca: admin.ca }
      t.ok([401, 403].includes((await call(nobody, 'GET', pods)).status))
      const wrong = await call({ ...nobody, token: 'wrong' }, 'GET', pods)
      t.equal(wrong.status, 401)
      t.match(wrong.json(), { reason: 'Unauthorized', message: 'Unauthorized' })
      t.equal((await call(nobody, 'GET', '/readyz')).status, 200)
      t.equal((await call(nobody, 'GET', '/version')).status, 200)
    },
  )
})

t.test('a node in the user cluster may do what real-kubernetes.md says, and nothing else', async (t) => {
  const api = await openApi(t)
  const { admin } = api
  const ns = await api.namespace()
  const name = `node-${suffix}`
  const node = await api.node(name)
  const pods = `/api/v1/namespaces/${ns}/pods`
  t.teardown(() => call(admin, 'DELETE', `/api/v1/nodes/${name}`))
  for (const kind of ['secrets', 'configmaps']) {
    for (const each of ['used', 'other'])
      await ok(call(admin, 'POST', `/api/v1/namespaces/${ns}/${kind}`, { metadata: { name: each } }))
  }

  await t.test('it makes its Node with taints, patches its status, keeps its lease', async (t) => {
    const body = {
      metadata: { name, labels: { type: 'virtual-kubelet' } },
      spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] },
    }
    t.equal((await call(node, 'POST', '/api/v1/nodes', body)).status, 201)
    const status = { capacity: { cpu: '1' }, daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } }
    t.equal((await patch(node, 'strategic-merge', `/api/v1/nodes/${name}/status`, { status })).status, 200)
    t.equal(
      (await patch(node, 'merge', `/api/v1/nodes/${name}`, { metadata: { labels: { own: 'x' } } })).status,
      200,
    )
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
    const lease = { metadata: { name }, spec: { holderIdentity: name, leaseDurationSeconds: 40 } }
    t.equal((await call(node, 'POST', leases, lease)).status, 201)
    t.equal((await patch(node, 'merge', `${leases}/${name}`, { spec: { holderIdentity: name } })).status, 200)
    t.equal((await call(node, 'POST', leases, { ...lease, metadata: { name: 'another' } })).status, 403)
    t.equal((await call(node, 'POST', leases.replace('kube-node-lease', ns), lease)).status, 403)
  })

  await t.test(
    'taints after creation, forbidden labels, other nodes and its own deletion are 403',
    async (t) => {
      t.equal((await patch(node, 'merge', `/api/v1/nodes/${name}`, { spec: { taints: null } })).status, 403)
      const role = { metadata: { labels: { 'node-role.kubernetes.io/master': '' } } }
      t.equal((await patch(node, 'merge', `/api/v1/nodes/${name}`, role)).status, 403)
      t.equal((await call(node, 'POST', '/api/v1/nodes', { metadata: { name: `${name}-2` } })).status, 403)
      t.equal((await call(node, 'DELETE', `/api/v1/nodes/${name}`)).status, 403)
    },
  )

  const pod = podOf('mine', {
    nodeName: name,
    tolerations: [{ operator: 'Exists' }],
    volumes: [
      { name: 's', secret: { secretName: 'used' } },
      { name: 'c', configMap: { name: 'used' } },
    ],
  })
  const made = await ok(call(admin, 'POST', pods, pod))
  await ok(call(admin, 'POST', pods, podOf('foreign', { schedulerName: 'nobody' })))
  const soon = (what: string, path: string) =>
    eventually(what, async () => (await call(node, 'GET', path)).status === 200)

  await t.test('pods: by spec.nodeName alone; another one is 403', async (t) => {
    t.equal((await call(node, 'GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`)).status, 200)
    t.equal((await call(node, 'GET', '/api/v1/pods')).status, 403)
    await soon('its own pod', `${pods}/mine`)
    t.equal((await call(node, 'GET', `${pods}/foreign`)).status, 403)
    t.equal((await call(node, 'GET', `${pods}/missing`)).status, 403, 'rule 32: gone is 403, not 404')
  })

  await t.test('Secrets and ConfigMaps: by name, of its pods', async (t) => {
    for (const kind of ['secrets', 'configmaps']) {
      const path = `/api/v1/namespaces/${ns}/${kind}`
      await soon(kind, `${path}/used`)
      t.equal((await call(node, 'GET', `${path}?fieldSelector=metadata.name%3Dused`)).status, 200)
      t.equal((await call(node, 'GET', `${path}/other`)).status, 403)
      t.equal((await call(node, 'GET', path)).status, 403)
    }
    await soon('the root certificate', `/api/v1/namespaces/${ns}/configmaps/kube-root-ca.crt`)
  })

  await t.test('services are read, endpoint slices and claims are not', async (t) => {
    t.equal((await call(node, 'GET', '/api/v1/services')).status, 200)
    t.equal((await call(node, 'GET', '/apis/discovery.k8s.io/v1/endpointslices')).status, 403)
    t.equal((await call(node, 'GET', '/api/v1/persistentvolumeclaims')).status, 403)
  })

  await t.test(
    'status and, through it, annotations of its pod; not its labels, not the pod itself',
    async (t) => {
      const annotated = { metadata: { annotations: { a: 'b' } }, status: { message: 'x' } }
      t.equal((await patch(node, 'strategic-merge', `${pods}/mine/status`, annotated)).status, 200)
      t.equal(
        (await patch(node, 'strategic-merge', `${pods}/mine/status`, { metadata: { labels: { a: 'b' } } }))
          .status,
        403,
      )
      t.equal(
        (await patch(node, 'merge', `${pods}/mine`, { metadata: { annotations: { a: 'c' } } })).status,
        403,
      )
      t.equal(
        (await patch(node, 'strategic-merge', `${pods}/foreign/status`, { status: { message: 'x' } })).status,
        403,
      )
    },
  )

  await t.test('tokens of the ServiceAccount of its pod, bound to its uid, of known audiences', async (t) => {
    const path = `/api/v1/namespaces/${ns}/serviceaccounts/default/token`
    const bound = (uid: string, more: object = {}) => ({
      spec: {
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid },
        expirationSeconds: 3600,
        ...more,
      },
    })
    const issued = await call(node, 'POST', path, bound(made.metadata.uid))
    t.equal(issued.status, 201)
    t.equal((await call(node, 'POST', path, { spec: {} })).status, 403)
    t.equal(
      (await call(node, 'POST', path, bound(made.metadata.uid, { audiences: ['elsewhere'] }))).status,
      403,
    )
    const { token } = issued.json<Any>().status
    const review = { spec: { token } }
    const reviewed = await ok(call(node, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', review))
    t.match(reviewed.status, {
      authenticated: true,
      user: { username: `system:serviceaccount:${ns}:default` },
    })
    const wrong = await ok(
      call(node, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: `${token}x` } }),
    )
    t.notOk(wrong.status.authenticated)
    const self = { server: admin.server, ca: admin.ca, token }
    t.equal((await call(self, 'GET', pods)).status, 403, 'known, without a role')
  })

  await t.test('reviews, events, eviction and deletion of its pod', async (t) => {
    const access = {
      spec: { user: 'x', resourceAttributes: { verb: 'get', resource: 'nodes', subresource: 'proxy' } },
    }
    t.equal(
      (await call(node, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', access)).status,
      201,
    )
    const event = {
      metadata: { generateName: 'e-' },
      involvedObject: { kind: 'Pod', namespace: ns, name: 'mine', uid: made.metadata.uid },
      reason: 'Test',
      message: 'x',
      type: 'Normal',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
      source: { component: 'test' },
    }
    t.equal((await call(node, 'POST', `/api/v1/namespaces/${ns}/events`, event)).status, 201)
    t.equal((await call(node, 'DELETE', `${pods}/foreign`)).status, 403)
    t.equal((await call(node, 'POST', pods, podOf('extra', { nodeName: name }))).status, 403)
    const options = { gracePeriodSeconds: 0, preconditions: { uid: made.metadata.uid } }
    t.equal((await call(node, 'DELETE', `${pods}/mine`, options)).status, 200)
  })

  await t.test('a token of a pod that is gone is no longer good', async (t) => {
    const gone = await ok(call(admin, 'POST', pods, { ...pod, metadata: { name: 'brief' } }))
    const path = `/api/v1/namespaces/${ns}/serviceaccounts/default/token`
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'brief', uid: gone.metadata.uid }
    const { status } = await ok(call(admin, 'POST', path, { spec: { boundObjectRef } }))
    const self = { server: admin.server, ca: admin.ca, token: status.token }
    t.equal((await call(self, 'GET', pods)).status, 403)
    await ok(call(admin, 'DELETE', `${pods}/brief`, { gracePeriodSeconds: 0 }))
    await eventually(
      'the token is refused',
      async () => (await call(self, 'GET', pods)).status === 401,
      60_000,
    )
  })
})
