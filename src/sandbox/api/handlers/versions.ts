import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { ApiCall, ApiContext } from '../context.ts'
import { invalidError } from '../errors.ts'

export const LIST_OPTIONS = { kind: 'ListOptions', group: 'meta.k8s.io' } as const

/** Checks resourceVersion and resourceVersionMatch of a read. @throws bad_request, invalid, timeout. */
export function checkVersionParameter(
  context: ApiContext,
  call: ApiCall,
): { version: number | undefined; exact: boolean } {
  const text = call.query.get('resourceVersion') ?? ''
  const match = call.query.get('resourceVersionMatch') ?? ''
  const fault = (field: string, message: string) =>
    invalidError(LIST_OPTIONS, '', [
      {
        field,
        reason: message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueNotSupported',
        message,
      },
    ])
  if (text && !/^\d{1,15}$/.test(text)) {
    throw new IsthmusError(
      'bad_request',
      `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing: invalid syntax`,
    )
  }
  if (match && match !== 'Exact' && match !== 'NotOlderThan') {
    throw fault(
      'resourceVersionMatch',
      `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`,
    )
  }
  const listing = call.info.verb === 'list' || call.info.verb === 'deletecollection'
  if (match && !text && listing) {
    throw fault(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
  }
  if (match === 'Exact' && text === '0') {
    throw fault(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    )
  }
  if (call.query.get('sendInitialEvents') && listing) {
    throw fault('sendInitialEvents', 'Forbidden: sendInitialEvents is forbidden for list')
  }
  const version = text ? Number(text) : undefined
  const current = Number(context.store.resourceVersion)
  if (version !== undefined && version > current) {
    throw new IsthmusError(
      'timeout',
      `Timeout: Too large resource version: ${version}, current: ${current}`,
      {
        retryAfterSeconds: 1,
        causes: [{ field: '', reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      },
    )
  }
  return { version, exact: match === 'Exact' }
}

/** A whole number of the query. @throws bad_request. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text)) {
    throw new IsthmusError('bad_request', `invalid value for ${name}: ${JSON.stringify(text)}`)
  }
  return Number(text)
}
