import { parse } from 'yaml'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** Far more than a kubeconfig with its certificates needs. */
const LENGTH_MAX = 512 * 1024

export type Fields = Record<string, unknown>

/** A cluster, user and context of a kubeconfig, by the names they have there. */
export interface Selected {
  context: string
  namespace?: string
  cluster: Fields
  user: Fields
  /** Paths for errors, such as `clusters[prod].cluster`. */
  clusterPath: string
  userPath: string
}

/** An error that names one field. */
export function fieldFault(field: string, message: string, cause?: unknown): IsthmusError {
  return new IsthmusError('invalid', `${field}: ${message}`, {
    causes: [{ field, reason: 'FieldValueInvalid', message }],
    cause,
  })
}

/** Reads YAML or JSON without aliases (a few lines of them can fill the memory). @throws IsthmusError invalid */
export function parseDocument(text: string): Fields {
  if (text.length > LENGTH_MAX)
    throw fieldFault('kubeconfig', `must be no more than ${LENGTH_MAX} characters`)
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 0, uniqueKeys: true, schema: 'core', logLevel: 'error' })
  } catch (error) {
    throw fieldFault('kubeconfig', 'is not YAML', error)
  }
  if (!isFields(document)) throw fieldFault('kubeconfig', 'must be an object')
  return document
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The context that is asked for, else the current one, with its cluster and user. @throws IsthmusError invalid */
export function selectContext(document: Fields, wanted?: string): Selected {
  const context = wanted ?? document['current-context']
  if (typeof context !== 'string' || context === '') {
    throw fieldFault('current-context', 'no context is chosen')
  }
  const chosen = findNamed(document, 'contexts', context, 'context')
  const cluster = findNamed(document, 'clusters', chosen.fields['cluster'], 'cluster')
  const user = findNamed(document, 'users', chosen.fields['user'], 'user')
  return {
    context,
    namespace: optionalText(chosen.fields, 'namespace', chosen.path),
    cluster: cluster.fields,
    user: user.fields,
    clusterPath: cluster.path,
    userPath: user.path,
  }
}

function findNamed(document: Fields, list: string, name: unknown, inner: string) {
  const items = document[list]
  if (typeof name !== 'string') throw fieldFault(list, `no ${inner} is named by the context`)
  const item = Array.isArray(items)
    ? items.find((entry) => isFields(entry) && entry['name'] === name)
    : undefined
  const fields = isFields(item) ? item[inner] : undefined
  const path = `${list}[${name.slice(0, 100)}].${inner}`
  if (!isFields(fields)) throw fieldFault(path, 'is missing')
  return { fields, path }
}

/** A text field, undefined when absent or empty. @throws IsthmusError invalid */
export function optionalText(fields: Fields, name: string, path: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw fieldFault(`${path}.${name}`, 'must be a string')
  return value
}
