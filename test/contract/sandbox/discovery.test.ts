import { type Any, call, ok, openApi } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'

t.test('discovery', async (t) => {
  const { admin } = await openApi(t)

  await t.test('classic: groups, versions and resources with their short names', async (t) => {
    t.match(await ok(call(admin, 'GET', '/api')), { kind: 'APIVersions', versions: ['v1'] })
    const groups = (await ok(call(admin, 'GET', '/apis')))['groups'].map(
      (group: { name: string }) => group.name,
    )
    for (const name of [
      'apps',
      'policy',
      'coordination.k8s.io',
      'rbac.authorization.k8s.io',
      'events.k8s.io',
    ]) {
      t.ok(groups.includes(name), name)
    }
    const core = await ok(call(admin, 'GET', '/api/v1'))
    const pods = core['resources'].find((resource: { name: string }) => resource.name === 'pods')
    t.match(pods, { kind: 'Pod', namespaced: true, shortNames: ['po'], singularName: 'pod' })
    for (const name of ['pods/log', 'pods/exec', 'pods/status', 'pods/eviction', 'serviceaccounts/token']) {
      t.ok(
        core['resources'].some((resource: { name: string }) => resource.name === name),
        name,
      )
    }
    t.match(await ok(call(admin, 'GET', '/apis/apps/v1')), {
      kind: 'APIResourceList',
      groupVersion: 'apps/v1',
    })
    t.equal((await call(admin, 'GET', '/apis/missing.example/v1')).status, 404)
  })

  await t.test(
    'rule 23: aggregated discovery by the exact content type, with an entity tag that is honoured',
    async (t) => {
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
      const reply = await call(admin, 'GET', '/apis', undefined, { accept })
      t.equal(reply.headers['content-type'], accept)
      t.match(reply.headers['vary'], /Accept/)
      t.match(reply.json(), { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
      const etag = String(reply.headers['etag'])
      const again = await call(admin, 'GET', '/apis', undefined, { accept, 'if-none-match': etag })
      t.equal(again.status, 304)
      const core = (await call(admin, 'GET', '/api', undefined, { accept })).json<Any>()
      const resources = core.items[0].versions[0].resources
      const pods = resources.find((each: { resource: string }) => each.resource === 'pods')
      t.ok(pods.subresources.some((each: { subresource: string }) => each.subresource === 'exec'))
    },
  )

  await t.test('rule 23: OpenAPI v3 keeps PATCH with its kind and fieldValidation', async (t) => {
    const index = await ok(call(admin, 'GET', '/openapi/v3'))
    const { serverRelativeURL } = index['paths']['api/v1']
    const { paths } = (await ok(call(admin, 'GET', serverRelativeURL))) as Any
    const { patch } = paths['/api/v1/namespaces/{namespace}/pods/{name}']
    t.match(patch['x-kubernetes-group-version-kind'], { group: '', version: 'v1', kind: 'Pod' })
    t.ok(patch.parameters.some((parameter: { name: string }) => parameter.name === 'fieldValidation'))
  })

  await t.test('what is not served is 404, a method that is not served 405', async (t) => {
    t.equal((await call(admin, 'GET', '/api/v1/namespaces/default/nothings')).status, 404)
    t.equal((await call(admin, 'GET', '/api/v2/pods')).status, 404)
    t.equal((await call(admin, 'GET', '/nothing')).status, 404)
    t.equal((await call(admin, 'PUT', '/api/v1/namespaces/default/pods', {})).status, 405)
    t.equal((await call(admin, 'POST', '/api/v1/namespaces/default/pods/x/log', {})).status, 405)
  })

  await t.test('paths with dots and encoded slashes reach nothing', async (t) => {
    for (const path of ['/api/v1/namespaces/default/pods/..%2f..', '/api/v1/namespaces/default/pods/%00']) {
      const { status } = await call(admin, 'GET', path)
      t.ok(status >= 300 && status < 500, `${path}: ${status}`)
    }
  })
})
