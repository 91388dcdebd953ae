import type { IncomingMessage } from 'node:http'
import { authenticate } from './auth/authenticate.ts'
import type { ApiContext } from './context.ts'
import { forbiddenError, type UserInfo } from './errors.ts'
import { impersonate } from './impersonation.ts'
import { parseRequestInfo, type RequestInfo } from './request-info.ts'

/** A request after authentication and authorization. */
export interface Prepared {
  user: UserInfo
  info: RequestInfo
  query: URLSearchParams
}

/** Who asks for what, and whether they may. @throws IsthmusError. */
export function prepare(context: ApiContext, request: IncomingMessage): Prepared {
  const [path = '/', search = ''] = splitOnce(request.url ?? '/', '?')
  const query = new URLSearchParams(search)
  const info = parseRequestInfo(request.method ?? 'GET', path, query)
  const caller = authenticate(request, context.authenticateToken)
  const user = impersonate(context, caller, request.headers)
  const decision = context.authorize(user, info, query)
  if (!decision.allowed) throw forbiddenError(user, info, decision.reason)
  return { user, info, query }
}

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}
