import { findUnknownFields, withoutUnknownFields } from '../../../kube/schema/index.ts'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { decodeKubernetesBody } from '../../../protocol/protobuf/index.ts'
import { isRecord, type KubeObject } from '../../kubernetes/objects.ts'
import type { KubeCall } from './call.ts'
import { fieldValidation } from './query.ts'

/** Kubernetes allows 3 MiB (rule 5); a Secret may be 1 MiB before base64. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

interface ExpectedKind {
  kind: string
  apiVersion: string
}

/**
 * The object in a request's body, JSON or protobuf, of the kind that the route takes.
 * @throws IsthmusError unsupported_media_type, bad_request
 */
export function readObject(call: KubeCall, expected: ExpectedKind): KubeObject {
  const bytes = decodeKubernetesBody(call.contentType, call.body, `${expected.apiVersion}/${expected.kind}`)
  const object = bytes as KubeObject
  const { kind = expected.kind, apiVersion = expected.apiVersion } = object
  if (kind !== expected.kind || apiVersion !== expected.apiVersion) {
    throw new IsthmusError(
      'bad_request',
      `the object is ${describe(apiVersion)}, ${describe(kind)}, but this takes ${expected.apiVersion}, ${expected.kind}`,
    )
  }
  if (object.metadata !== undefined && !isRecord(object.metadata)) {
    throw new IsthmusError('bad_request', 'metadata is not an object')
  }
  return { ...object, apiVersion, kind, metadata: object.metadata ?? {} }
}

/** @throws IsthmusError bad_request with the parser's place, never the content. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new IsthmusError('bad_request', 'the object provided is unrecognized: the body is not valid JSON', {
      cause,
    })
  }
}

/**
 * Rule 6a: fields that Kubernetes' schema does not know are refused under Strict, else dropped, with a warning
 * each under Warn. What nobody here knows is never forwarded.
 */
export function withKnownFields<T extends KubeObject>(call: KubeCall, type: string, object: T): T {
  const unknown = findUnknownFields(type, object)
  if (unknown.length === 0) return object
  const mode = fieldValidation(call.query)
  if (mode === 'Strict') {
    const text = unknown.map((path) => `unknown field "${path}"`).join(', ')
    throw new IsthmusError('bad_request', `strict decoding error: ${text}`)
  }
  if (mode === 'Warn') call.warnings.push(...unknown.map((path) => `unknown field "${path}"`))
  return withoutUnknownFields(type, object)
}

/** The media type without parameters. A header with anything odd in it matches nothing (CVE-2026-25223). */
export function mediaType(header: string | undefined): string {
  if (header === undefined) return 'application/json'
  const [type = ''] = header.split(';')
  return type.trim().toLowerCase()
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : typeof value
}
