import type { IncomingHttpHeaders } from 'node:http'
import type { ApiContext } from './context.ts'
import { forbiddenError, type UserInfo } from './errors.ts'
import type { ResourceRequest, Verb } from './request-info.ts'

/** Who a request is to be taken for (`kubectl --as`), when the caller may do that. @throws forbidden. */
export function impersonate(
  context: Pick<ApiContext, 'authorize'>,
  user: UserInfo,
  headers: IncomingHttpHeaders,
): UserInfo {
  const name = headers['impersonate-user']
  if (typeof name !== 'string') return user
  const groups = String(headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter(Boolean)
  const demand = (resource: string, subject: string) => {
    const info: ResourceRequest = {
      isResource: true,
      verb: 'impersonate' as Verb,
      group: '',
      version: 'v1',
      resource,
      subresource: '',
      namespace: '',
      name: subject,
      path: '',
    }
    if (!context.authorize(user, info).allowed) throw forbiddenError(user, info)
  }
  demand('users', name)
  for (const group of groups) demand('groups', group)
  const serviceAccount = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name)
  const own = serviceAccount ? ['system:serviceaccounts', `system:serviceaccounts:${serviceAccount[1]}`] : []
  return { username: name, groups: [...new Set([...groups, ...own, 'system:authenticated'])] }
}
