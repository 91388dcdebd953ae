import type { IncomingMessage } from 'node:http'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { ApiCall } from './context.ts'
import { definitionOf, type UserInfo } from './errors.ts'
import type { ResourceRequest } from './request-info.ts'

/** Query parameters that no handler reads, by what they would mean: refused, since to pass over them changes the answer. */
const REFUSED: readonly string[] = ['shardSelector']

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
    const text = `dryRun: Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`
    throw new IsthmusError('invalid', `CreateOptions.meta.k8s.io "" is invalid: ${text}`)
  }
  const validation = query.get('fieldValidation') ?? ''
  if (validation && !['Ignore', 'Warn', 'Strict'].includes(validation)) {
    const text = `fieldValidation: Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`
    throw new IsthmusError('invalid', `CreateOptions.meta.k8s.io "" is invalid: ${text}`)
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
