import type { IncomingMessage } from 'node:http'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { ApiCall } from './context.ts'
import { definitionOf, invalidError, type UserInfo } from './errors.ts'
import type { ResourceRequest } from './request-info.ts'
import { unsupported } from './resources/faults.ts'

/** Query parameters that no handler reads, by what they would mean: refused, since to pass over them changes the answer. */
const REFUSED: readonly string[] = ['shardSelector']

const OPTIONS = { kind: 'CreateOptions', group: 'meta.k8s.io' } as const

/** A call of what a request says. @throws not_found, bad_request, invalid. */
export function makeCall(
  request: IncomingMessage,
  info: ResourceRequest,
  query: URLSearchParams,
  user: UserInfo,
  body: Buffer,
  signal: AbortSignal,
): ApiCall {
  for (const name of REFUSED) {
    if (query.has(name))
      throw new IsthmusError('invalid', `${name}: Forbidden: the sandbox does not support it`)
  }
  const dryRun = query.getAll('dryRun')
  if (dryRun.some((value) => value !== 'All')) {
    throw invalidError(OPTIONS, '', [unsupported('dryRun', dryRun, ['All'])])
  }
  const validation = query.get('fieldValidation') ?? ''
  if (validation && !['Ignore', 'Warn', 'Strict'].includes(validation)) {
    throw invalidError(OPTIONS, '', [
      unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']),
    ])
  }
  return {
    info,
    definition: definitionOf(info),
    user,
    query,
    headers: request.headers,
    contentType: request.headers['content-type'] ?? '',
    body,
    dryRun: dryRun.length > 0,
    warnings: [],
    signal,
  }
}
