import { parse as parseYaml } from 'yaml'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { decodeKubernetesBody, PROTOBUF_TYPE } from '../../protocol/protobuf/index.ts'
import type { NewKubeObject } from '../store/types.ts'
import { apiVersionOf } from './resources/definition.ts'

/** The media type without its parameters, in lower case. */
export function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/**
 * Parses a body as its content type says (JSON when there is none). `expected` is the route's `<apiVersion>/<kind>`,
 * for a protobuf body that does not say its own. @throws bad_request, unsupported_media_type.
 */
export function decodeBody(contentType: string, body: Buffer, expected?: string): unknown {
  const type = mediaType(contentType) || 'application/json'
  if (type === 'application/json' || type.endsWith('+json')) return decodeJson(body)
  if (type === 'application/yaml' || type.endsWith('+yaml')) return decodeYaml(body)
  if (type === PROTOBUF_TYPE) return decodeKubernetesBody(contentType, body, expected)
  const text = `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`
  throw new IsthmusError('unsupported_media_type', text)
}

function decodeJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new IsthmusError('bad_request', 'the request body is not valid JSON', { cause })
  }
}

function decodeYaml(body: Buffer): unknown {
  try {
    return parseYaml(body.toString('utf8'), { maxAliasCount: 0 })
  } catch (cause) {
    throw new IsthmusError('bad_request', 'the request body is not valid YAML', { cause })
  }
}

/** What a body is expected to be. */
export interface ExpectedKind {
  group: string
  version: string
  kind: string
}

/**
 * A decoded body as an object of the kind that the path names: absent kind and apiVersion are filled in, others are
 * refused. @throws bad_request.
 */
export function asObject(value: unknown, expected: ExpectedKind): NewKubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new IsthmusError('bad_request', `the body is no ${expected.kind}`)
  }
  const object = value as Partial<NewKubeObject>
  const apiVersion = apiVersionOf({ group: expected.group, version: expected.version })
  if (object.apiVersion && object.apiVersion !== apiVersion) {
    const text = `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`
    throw new IsthmusError('bad_request', text)
  }
  if (object.kind && object.kind !== expected.kind) {
    const text = `${object.kind} in version "${apiVersion}" cannot be handled as a ${expected.kind}`
    throw new IsthmusError('bad_request', text)
  }
  const metadata = object.metadata ?? {}
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw new IsthmusError('bad_request', `the metadata of the ${expected.kind} is no object`)
  }
  return { ...object, apiVersion, kind: expected.kind, metadata }
}
