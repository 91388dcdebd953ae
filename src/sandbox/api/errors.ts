import { type FieldFault, IsthmusError } from '../../protocol/errors/index.ts'
import type { RequestInfo } from './request-info.ts'
import { findResource, reviews } from './resources/catalog.ts'
import type { ResourceDefinition } from './resources/definition.ts'

/** Who asks. */
export interface UserInfo {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** `Pod "x" is invalid: …` with one cause per fault, as apimachinery NewInvalid words it. */
export function invalidError(
  definition: Pick<ResourceDefinition, 'kind' | 'group'>,
  name: string,
  faults: readonly FieldFault[],
): IsthmusError {
  const texts = faults.map(({ field, message }) => `${field}: ${message}`)
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const what = definition.group ? `${definition.kind}.${definition.group}` : definition.kind
  return new IsthmusError('invalid', `${what} "${name}" is invalid: ${list}`, {
    kind: definition.kind,
    group: definition.group || undefined,
    name: name || undefined,
    causes: [...faults],
  })
}

/** RBAC's refusal, worded as the real one (`pods "x" is forbidden: User "u" cannot get resource …`). */
export function forbiddenError(user: UserInfo, info: RequestInfo, reason = ''): IsthmusError {
  const why = reason ? `: ${reason}` : ''
  if (!info.isResource) {
    const text = `forbidden: User "${user.username}" cannot ${info.verb} path "${info.path}"${why}`
    return new IsthmusError('forbidden', text, {})
  }
  const { group, resource, subresource, namespace, name, verb } = info
  const full = subresource ? `${resource}/${subresource}` : resource
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope'
  const text = `User "${user.username}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}${why}`
  return refusal(resource, group, name, text)
}

/** `pods "x" is forbidden: <text>`: authorization's and admission's common shape. */
export function refusal(resource: string, group: string, name: string, text: string): IsthmusError {
  const what = group ? `${resource}.${group}` : resource
  const subject = name ? `${what} "${name}"` : what
  return new IsthmusError('forbidden', `${subject} is forbidden: ${text}`, {
    kind: resource,
    group: group || undefined,
    name: name || undefined,
  })
}

/** The answer for a path that is not served. */
export function noSuchPath(): IsthmusError {
  return new IsthmusError('not_found', 'the server could not find the requested resource')
}

/** The definition that a request names. @throws not_found when that group, version or resource is not served. */
export function definitionOf(info: { group: string; version: string; resource: string }): ResourceDefinition {
  const definition = findResource(info.group, info.resource)
  if (!definition || definition.version !== info.version) throw noSuchPath()
  return definition
}

/** The review that a request names, if it names one. */
export function reviewOf(info: { group: string; version: string; resource: string }) {
  return reviews.find(
    (entry) => entry.group === info.group && entry.version === info.version && entry.plural === info.resource,
  )
}
