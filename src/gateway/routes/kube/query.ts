import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeCall } from './call.ts'

/** A parameter's only value; Kubernetes takes the first where it was given twice, which here is refused. */
export function single(query: URLSearchParams, key: string): string | undefined {
  const values = query.getAll(key)
  if (values.length > 1)
    throw new IsthmusError('bad_request', `the parameter ${key} was given ${values.length} times`)
  return values[0] === '' ? undefined : values[0]
}

/** A boolean as Kubernetes converts it: `false`, `0` and absence are false, everything else is true. */
export function flag(query: URLSearchParams, key: string): boolean {
  const value = query.get(key)
  return value !== null && value.toLowerCase() !== 'false' && value !== '0'
}

/** A non-negative integer. @throws IsthmusError bad_request */
export function integer(
  query: URLSearchParams,
  key: string,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = single(query, key)
  if (value === undefined) return undefined
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!(number <= max))
    throw new IsthmusError('bad_request', `${key}: Invalid value: must be an integer from 0 to ${max}`)
  return number
}

/** `dryRun=All` is the only dry run that there is. */
export function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll('dryRun')
  if (values.some((value) => value !== 'All')) {
    throw new IsthmusError('bad_request', 'dryRun: Unsupported value: supported values: "All"')
  }
  return values.length > 0
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** `fieldValidation`; Warn by default as since Kubernetes 1.27. */
export function fieldValidation(query: URLSearchParams): FieldValidation {
  const value = single(query, 'fieldValidation') ?? 'Warn'
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value
  throw new IsthmusError(
    'bad_request',
    'fieldValidation: Unsupported value: supported values: "Ignore", "Strict", "Warn"',
  )
}

/** What goes upstream with every write: always strict (6a), the client's field manager and dry run. */
export function writeQuery(call: KubeCall): Record<string, string> {
  const manager = single(call.query, 'fieldManager')
  if (manager !== undefined && (manager.length > 128 || !/^[\x20-\x7e]+$/.test(manager))) {
    throw new IsthmusError('bad_request', 'fieldManager: Invalid value: at most 128 printable characters')
  }
  return {
    fieldValidation: 'Strict',
    ...(manager === undefined ? {} : { fieldManager: manager }),
    ...(isDryRun(call.query) ? { dryRun: 'All' } : {}),
  }
}
