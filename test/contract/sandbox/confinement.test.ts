import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { type Any, call, ok, openApi, patch, podOf } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import type { HttpTarget } from '../../support/world/http.ts'

const MANIFEST = new URL('../../../deploy/data-plane.yaml', import.meta.url)
const GATEWAY = { 'impersonate-user': 'isthmus-gateway' }
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const places: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/isthmus-system/serviceaccounts',
  ClusterRole: `${RBAC}/clusterroles`,
  ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
}

async function applyManifest(admin: HttpTarget): Promise<void> {
  for (const document of parseAllDocuments(readFileSync(MANIFEST, 'utf8'))) {
    const object = document.toJS() as Any
    await ok(
      patch(admin, 'apply', `${places[object.kind ?? '']}/${object.metadata.name}?fieldManager=test`, object),
    )
  }
}

const draw = () =>
  `t-${Array.from({ length: 26 }, () => 'abcdefghijklmnopqrstuvwxyz234567'[Math.floor(Math.random() * 32)]).join('')}`

t.test("the gateway's credential is confined to namespaces of tenants", async (t) => {
  const { admin } = await openApi(t, 'data-plane')
  await applyManifest(admin)
  const gateway = (method: string, path: string, body?: unknown) => call(admin, method, path, body, GATEWAY)
  const own = draw()
  t.teardown(() => call(admin, 'DELETE', `/api/v1/namespaces/${own}`))

  await t.test('a namespace of another name is refused by the policy, one of its own is made', async (t) => {
    const refused = await eventually('the policy is in force', async () => {
      const reply = await gateway('POST', '/api/v1/namespaces?dryRun=All', { metadata: { name: 'other' } })
      return reply.status !== 201 && reply
    })
    t.equal(refused.status, 403)
    t.match(
      refused.json<Any>()['message'],
      /^namespaces "other" is forbidden: ValidatingAdmissionPolicy 'isthmus-gateway' with binding 'isthmus-gateway' denied request: /,
    )
    t.equal((await gateway('POST', '/api/v1/namespaces', { metadata: { name: own } })).status, 201)
  })

  await t.test('it binds itself to its role there, and only then reads Secrets; nowhere else', async (t) => {
    const secrets = `/api/v1/namespaces/${own}/secrets`
    t.equal((await gateway('GET', secrets)).status, 403)
    const binding = (role: string) => ({
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'isthmus-gateway' }],
    })
    const at = (namespace: string) => `${RBAC}/namespaces/${namespace}/rolebindings`
    t.equal((await gateway('POST', at(own), binding('isthmus-tenant-namespace'))).status, 201)
    await eventually('the role counts', async () => (await gateway('GET', secrets)).status === 200)
    t.equal((await gateway('POST', at(own), binding('cluster-admin'))).status, 403)
    t.equal((await gateway('POST', at('kube-system'), binding('isthmus-tenant-namespace'))).status, 403)
    t.equal((await gateway('GET', '/api/v1/namespaces/kube-system/secrets')).status, 403)
  })

  await t.test('pods elsewhere: read, but neither written, deleted, evicted nor entered', async (t) => {
    const pods = '/api/v1/namespaces/default/pods'
    const name = `confined-${draw().slice(2, 8)}`
    await ok(call(admin, 'POST', pods, podOf(name, { schedulerName: 'nobody' })))
    t.teardown(() => call(admin, 'DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0 }))
    t.equal((await gateway('GET', `${pods}/${name}`)).status, 200)
    t.equal((await gateway('POST', pods, podOf('x'))).status, 403)
    t.equal((await gateway('DELETE', `${pods}/${name}`)).status, 403)
    t.equal((await gateway('DELETE', pods)).status, 403)
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }
    t.equal((await gateway('POST', `${pods}/${name}/eviction`, eviction)).status, 403)
    t.equal((await call(admin, 'GET', `${pods}/${name}`)).status, 200)
  })

  await t.test('even in its own namespaces: no host, no privilege, and the node label stays', async (t) => {
    const pods = `/api/v1/namespaces/${own}/pods`
    await eventually('the ServiceAccount', async () => {
      return (await call(admin, 'GET', `/api/v1/namespaces/${own}/serviceaccounts/default`)).status === 200
    })
    const hostPath = { name: 'h', hostPath: { path: '/' } }
    for (const spec of [{ hostNetwork: true }, { hostPID: true }, { volumes: [hostPath] }]) {
      t.equal((await gateway('POST', pods, podOf('host', spec))).status, 403, JSON.stringify(spec))
    }
    const privileged = podOf('host', {}, { securityContext: { privileged: true } })
    t.equal((await gateway('POST', pods, privileged)).status, 403)
    const pod = podOf('fine', { schedulerName: 'nobody' })
    const labels = { 'isthmus.dev/node': 'a' }
    t.equal((await gateway('POST', pods, { ...pod, metadata: { name: 'fine', labels } })).status, 201)
    const move = (value: string) =>
      call(
        admin,
        'PATCH',
        `${pods}/fine`,
        { metadata: { labels: { 'isthmus.dev/node': value } } },
        {
          ...GATEWAY,
          'content-type': 'application/merge-patch+json',
        },
      )
    t.equal((await move('b')).status, 403)
    t.equal((await move('a')).status, 200)
  })

  await t.test('others are not touched by it', async (t) => {
    t.equal(
      (await call(admin, 'POST', '/api/v1/namespaces?dryRun=All', { metadata: { name: 'other' } })).status,
      201,
    )
  })
})
