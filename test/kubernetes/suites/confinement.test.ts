// The gateway's very credential, in both of its identities, tries everything that deploy/data-plane.yaml
// grants: outside of tenants' namespaces it must change nothing and read neither Secret, ConfigMap nor log.
import { randomUUID } from 'node:crypto'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import { gatewayToken, grantGatewayRights } from '../harness/data-plane-rights.ts'
import type { Credential } from '../harness/request.ts'
import { openKubernetesWorld } from '../harness/world.ts'
import { attempt, type Grant, grantsOf, type Place, type PolicyRule, roleBinding } from './attempts.ts'

const { dataPlane } = openKubernetesWorld()
const certificate = await grantGatewayRights(dataPlane)
const identities: Record<string, Credential> = {
  'client certificate': certificate,
  ServiceAccount: await gatewayToken(dataPlane),
}
const ADMISSION = /denied request: the Isthmus gateway may change and enter only namespaces of tenants/

/** 26 characters of base32, as the gateway draws them. */
function tenantNamespace(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  const bytes = Buffer.from(randomUUID().replaceAll('-', '') + randomUUID().replaceAll('-', ''), 'hex')
  return `t-${[...bytes.subarray(0, 26)].map((byte) => alphabet[byte % 32]).join('')}`
}

/** A namespace with a running pod, a Secret and a ConfigMap, made by the administrator. */
async function furnish(namespace: string): Promise<Place> {
  const place = {
    namespace,
    pod: 'victim',
    secret: 'victim',
    configMap: 'victim',
    fresh: `tried-${randomUUID()}`,
  }
  const metadata = { name: 'victim', namespace, labels: { tried: 'yes' } }
  await dataPlane.apply([
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: 'x' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'x' } },
  ])
  const body = attempt({ group: '', resource: 'pods', verb: 'create' }, { ...place, fresh: 'victim' })
  await eventually('the pod is accepted', async () =>
    [201, 409].includes((await dataPlane.request(body)).status),
  )
  await dataPlane.kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/victim', '--timeout=60s'])
  const current = await dataPlane.get<{ metadata: { resourceVersion?: string } }>([
    '-n',
    namespace,
    'pod',
    'victim',
  ])
  delete current.metadata.resourceVersion
  return { ...place, current }
}

/** What a role grants and this version serves: pods/resize came with 1.33. */
async function grantsIn(role: string): Promise<Grant[]> {
  const discovery = JSON.parse((await dataPlane.request({ path: '/api/v1' })).text) as {
    resources: { name: string }[]
  }
  const served = discovery.resources.map(({ name }) => name)
  const { rules } = await dataPlane.get<{ rules: PolicyRule[] }>(['clusterrole', role])
  return grantsOf(rules).filter(({ group, resource }) => group !== '' || served.includes(resource))
}

/** Reads pass no admission: these three kinds (and a RoleBinding by name) are what a watch over all tenants needs. */
const READS = /^(namespaces|pods|events) (get|list|watch)$|^rolebindings get$/

const outside = `somebody-elses-${randomUUID().slice(0, 8)}`
await dataPlane.kubectl(['create', 'namespace', outside])
t.teardown(() => dataPlane.kubectl(['delete', 'namespace', outside, '--wait=false']))
const wide = await grantsIn('isthmus-gateway')
const narrow = await grantsIn('isthmus-tenant-namespace')

for (const [identity, credential] of Object.entries(identities)) {
  const as = (request: Parameters<typeof dataPlane.request>[0]) => dataPlane.request(request, credential)

  t.test(`${identity}: every write and connect that is granted is refused outside t-…`, async (t) => {
    const place = await furnish(outside)
    for (const grant of wide.filter(({ verb }) => verb !== 'bind')) {
      const label = `${grant.resource} ${grant.verb}`
      if (READS.test(label)) continue
      const reply = await as(attempt(grant, place))
      t.equal(reply.status, 403, label)
      t.match(reply.json?.['message'], ADMISSION, `${label}: by the admission policy`)
    }
    const pod = await dataPlane.get<{ metadata: { labels?: unknown } }>(['-n', outside, 'pod', 'victim'])
    t.same(pod.metadata.labels, { tried: 'yes' }, 'the pod is as it was')
  })

  t.test(`${identity}: what the namespaced role grants is refused where no RoleBinding stands`, async (t) => {
    const place = await furnish(outside)
    for (const grant of narrow) {
      const reply = await as(attempt(grant, place))
      t.equal(reply.status, 403, `${grant.resource} ${grant.verb}`)
      t.match(reply.json?.['message'], /cannot \w+ resource/, `${grant.resource} ${grant.verb}: by RBAC`)
    }
    for (const kind of ['secrets', 'configmaps']) {
      t.equal((await as({ path: `/api/v1/${kind}` })).status, 403, `${kind} of all namespaces`)
    }
  })

  t.test(`${identity}: names that only resemble a tenant's are refused`, async (t) => {
    const name = tenantNamespace()
    const near = [
      name.slice(0, -1),
      `${name}a`,
      `x-${name}`,
      name.slice(2),
      `${name.slice(0, -1)}1`,
      `t-${name}`,
    ]
    for (const fresh of near) {
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: fresh } }
      const reply = await as({ method: 'POST', path: '/api/v1/namespaces', body })
      t.equal(reply.status, 403, fresh)
    }
    const generated = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 't-' } }
    t.equal(
      (await as({ method: 'POST', path: '/api/v1/namespaces', body: generated })).status,
      403,
      'generateName',
    )
  })

  t.test(`${identity}: nothing beyond its role, not even in a tenant's namespace`, async (t) => {
    const namespace = tenantNamespace()
    await as({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } })
    t.teardown(() => dataPlane.kubectl(['delete', 'namespace', namespace, '--wait=false']))
    const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`
    for (const role of ['cluster-admin', 'admin', 'edit', 'view']) {
      const reply = await as({ method: 'POST', path: bindings, body: roleBinding(namespace, role) })
      t.equal(reply.status, 403, `RoleBinding to ${role}`)
    }
    const refused: [string, string, unknown?][] = [
      [
        'POST',
        '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
        { metadata: { name: 'x' }, roleRef: {} },
      ],
      ['POST', `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`, { spec: {} }],
      ['POST', `/api/v1/namespaces/${namespace}/pods/x/binding`, { target: { name: 'x' } }],
      ['PUT', `/api/v1/namespaces/${namespace}/finalize`, { metadata: { name: namespace } }],
      ['GET', '/api/v1/nodes'],
      ['GET', `/api/v1/nodes/${dataPlane.node}/proxy/pods`],
      ['GET', '/apis/apps/v1/deployments'],
      ['GET', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'],
      ['DELETE', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/isthmus-gateway'],
      ['DELETE', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/isthmus-gateway'],
    ]
    for (const [method, path, body] of refused) {
      t.equal((await as({ method, path, body })).status, 403, `${method} ${path}`)
    }
    const impersonating = await as({ path: '/api/v1/secrets', headers: { 'impersonate-user': 'admin' } })
    t.equal(impersonating.status, 403, 'impersonation')
  })

  t.test(
    `${identity}: in a tenant's namespace Secrets and logs open with the RoleBinding, and all works`,
    async (t) => {
      const namespace = tenantNamespace()
      const made = await as({
        method: 'POST',
        path: '/api/v1/namespaces',
        body: { metadata: { name: namespace } },
      })
      t.equal(made.status, 201, 'namespace made')
      const place = await furnish(namespace)
      for (const grant of narrow) {
        t.equal((await as(attempt(grant, place))).status, 403, `before: ${grant.resource} ${grant.verb}`)
      }
      const bind = attempt(
        { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', verb: 'create' },
        place,
      )
      t.equal((await as(bind)).status, 201, 'RoleBinding made')
      await eventually('the RoleBinding is in force', async () => {
        return (await as({ path: `/api/v1/namespaces/${namespace}/secrets` })).status === 200
      })
      const order = (grant: Grant) =>
        grant.resource === 'namespaces' ? 2 : /^delete|evict/.test(grant.verb) ? 1 : 0
      const skipped = /^(bind|namespaces create|rolebindings|events get|pods\/eviction)/
      const tried = [...wide, ...narrow]
        .filter(({ resource, verb }) => !skipped.test(`${resource} ${verb}`) && verb !== 'bind')
        .sort((a, b) => order(a) - order(b))
      for (const grant of tried) {
        const label = `${grant.resource} ${grant.verb}`
        if (label === 'namespaces delete') continue
        const reply = await as(attempt(grant, place))
        t.ok([101, 200, 201].includes(reply.status), `${label}: ${reply.status} ${reply.text.slice(0, 200)}`)
      }
      t.equal(
        (await as({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })).status,
        200,
        'namespace deleted',
      )
    },
  )

  t.test(
    `${identity}: the node label of an object cannot change, and no pod reaches the machine`,
    async (t) => {
      const namespace = tenantNamespace()
      const labels = { 'isthmus.dev/node': 'first' }
      const path = `/api/v1/namespaces/${namespace}`
      await as({
        method: 'POST',
        path: '/api/v1/namespaces',
        body: { metadata: { name: namespace, labels } },
      })
      t.teardown(() => dataPlane.kubectl(['delete', 'namespace', namespace, '--wait=false']))
      const manifest = {
        metadata: { name: 'p', labels },
        spec: {
          containers: [
            { name: 'main', image: 'busybox:1', imagePullPolicy: 'Never', command: ['sleep', '9'] },
          ],
        },
      }
      await eventually('the pod is accepted', async () => {
        return (await as({ method: 'POST', path: `${path}/pods`, body: manifest })).status === 201
      })
      const patch = (target: string, label: string | null) =>
        as({
          method: 'PATCH',
          path: target,
          contentType: 'application/merge-patch+json',
          body: { metadata: { labels: { 'isthmus.dev/node': label } } },
        })
      for (const target of [path, `${path}/pods/p`, `${path}/pods/p/status`]) {
        t.equal((await patch(target, 'second')).status, 403, `${target}: changed`)
        t.equal((await patch(target, null)).status, 403, `${target}: removed`)
      }
      const [main] = manifest.spec.containers
      const forbidden: Record<string, object> = {
        hostNetwork: { ...manifest.spec, hostNetwork: true },
        hostPID: { ...manifest.spec, hostPID: true },
        hostIPC: { ...manifest.spec, hostIPC: true },
        hostPath: { ...manifest.spec, volumes: [{ name: 'v', hostPath: { path: '/' } }] },
        privileged: { containers: [{ ...main, securityContext: { privileged: true } }] },
        'privileged init': {
          ...manifest.spec,
          initContainers: [{ ...main, name: 'i', securityContext: { privileged: true } }],
        },
      }
      for (const [label, spec] of Object.entries(forbidden)) {
        const reply = await as({
          method: 'POST',
          path: `${path}/pods`,
          body: { metadata: { name: 'q' }, spec },
        })
        t.equal(reply.status, 403, label)
        t.match(reply.json?.['message'], /ValidatingAdmissionPolicy/, `${label}: by the policy`)
      }
      const debug = { ...main, name: 'debug', securityContext: { privileged: true } }
      const reply = await as({
        method: 'PATCH',
        path: `${path}/pods/p/ephemeralcontainers`,
        contentType: 'application/strategic-merge-patch+json',
        body: { spec: { ephemeralContainers: [debug] } },
      })
      t.equal(reply.status, 403, 'privileged ephemeral container')
    },
  )
}
