import { IsthmusError } from '../../../protocol/errors/index.ts'

/** Where a list goes on: after which object, at which version. Opaque to clients, as Kubernetes' base64 of JSON. */
export interface ContinueAt {
  version: number
  /** `namespace/name` of the last object of the page before. */
  after: string
}

export function encodeContinue({ version, after }: ContinueAt): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: `${after}\0` })).toString(
    'base64url',
  )
}

/** @throws bad_request for what `encodeContinue` did not make. */
export function decodeContinue(token: string): ContinueAt {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >
    if (v === 'meta.k8s.io/v1' && Number.isSafeInteger(rv) && typeof start === 'string') {
      return { version: rv as number, after: start.replace(/\0$/, '') }
    }
  } catch (cause) {
    throw invalidToken(cause)
  }
  throw invalidToken(undefined)
}

const invalidToken = (cause: unknown) =>
  new IsthmusError('bad_request', 'continue key is not valid: illegal base64 data', { cause })
