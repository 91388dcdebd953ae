import { entityTag, groupNames, VERSION } from './discovery.ts'
import { resources } from './resources/catalog.ts'

const info = { title: 'Isthmus sandbox', version: VERSION.gitVersion }

/** `/openapi/v3`: where the documents of the group versions are. */
export function openapiIndex(): object {
  const paths = ['api/v1', ...groupNames().map((group) => `apis/${group}/v1`)]
  const entries = paths.map((path) => {
    const hash = entityTag(JSON.stringify(openapiDocument(path))).slice(1, -1)
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const
  })
  return { paths: Object.fromEntries(entries) }
}

/**
 * `/openapi/v3/apis/apps/v1`: the paths, with their PATCH operations and `fieldValidation` (that is what kubectl looks
 * for before it applies), and one open schema per kind. There are no field schemas: `kubectl explain` shows none.
 */
export function openapiDocument(path: string): object | undefined {
  const group = path === 'api/v1' ? '' : /^apis\/([^/]+)\/v1$/.exec(path)?.[1]
  if (group === undefined || (group !== '' && !groupNames().includes(group))) return undefined
  const paths: Record<string, object> = {}
  const schemas: Record<string, object> = {}
  for (const { group: own, version, kind, plural, namespaced } of resources) {
    if (own !== group) continue
    const gvk = { group: own, kind, version }
    const base = `/${path}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`
    const parameter = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })
    const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(parameter)
    const reference = { $ref: `#/components/schemas/${schemaName(own, kind)}` }
    const content = { 'application/json': { schema: reference } }
    const responses = { 200: { description: 'OK', content } }
    const operation = (action: string, extra: object) => ({
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': gvk,
      responses,
      ...extra,
    })
    paths[base] = {
      get: operation('list', {}),
      post: operation('post', { parameters, requestBody: { content } }),
    }
    const types = [
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
    ]
    const patches = Object.fromEntries(types.map((type) => [type, { schema: { type: 'object' } }]))
    paths[`${base}/{name}`] = {
      get: operation('get', {}),
      put: operation('put', { parameters, requestBody: { content } }),
      patch: operation('patch', {
        parameters: [...parameters, parameter('force')],
        requestBody: { content: patches },
      }),
      delete: operation('delete', { parameters: [parameter('dryRun')] }),
    }
    schemas[schemaName(own, kind)] = {
      type: 'object',
      description: `${kind}; its fields are not described by the sandbox`,
      'x-kubernetes-group-version-kind': [gvk],
      'x-kubernetes-preserve-unknown-fields': true,
    }
  }
  return { openapi: '3.0.0', info, paths, components: { schemas } }
}

/** `/openapi/v2`, as JSON alone and without definitions. */
export function openapiV2(): object {
  return { swagger: '2.0', info, paths: {}, definitions: {} }
}

function schemaName(group: string, kind: string): string {
  const domain =
    group === '' || !group.includes('.')
      ? `io.k8s.api.${group || 'core'}`
      : `io.k8s.api.${group.split('.')[0]}`
  return `${domain}.v1.${kind}`
}
