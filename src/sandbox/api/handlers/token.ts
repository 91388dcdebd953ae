import { asObject } from '../body.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { decodeCallBody } from './decode.ts'
import { admit } from './write.ts'

const TOKEN_REQUEST = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } as const
const HOUR_S = 3600

/** POST to `serviceaccounts/x/token`. */
export function createToken(context: ApiContext, call: ApiCall): ApiResult {
  const body = asObject(decodeCallBody(call, TOKEN_REQUEST), TOKEN_REQUEST)
  const spec = (body['spec'] ?? {}) as {
    audiences?: string[]
    expirationSeconds?: number
    boundObjectRef?: { kind?: string; name?: string; uid?: string }
  }
  admit(context, call, 'CREATE', 'validate', body)
  const reference = spec.boundObjectRef
  const expirationSeconds = spec.expirationSeconds ?? HOUR_S
  const audiences = (spec.audiences ?? []).filter((audience) => audience !== '')
  const status = context.tokens.issue({
    namespace: call.info.namespace,
    serviceAccount: call.info.name,
    audiences,
    expirationSeconds,
    ...(reference?.kind && reference.name
      ? { boundTo: { kind: reference.kind as 'Pod', name: reference.name, uid: reference.uid ?? '' } }
      : {}),
  })
  const metadata = { name: call.info.name, namespace: call.info.namespace, creationTimestamp: null }
  return { status: 201, body: { ...body, metadata, spec: { ...spec, expirationSeconds }, status } }
}
