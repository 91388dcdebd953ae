import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** What a continue token is good for: used elsewhere, it does not open (rule 12). */
export interface TokenScope {
  nodeId: string
  resource: string
  /** The tenant's name; `''` over all namespaces. */
  namespace: string
  labelSelector: string
  fieldSelector: string
}

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * The data plane's continue token, encrypted and bound to its request (AES-256-GCM, the scope as associated data).
 * Kubernetes' own is base64 of a start key that holds the physical namespace, and a tampered one is accepted.
 * @param key 32 bytes, the same on every replica
 */
export function sealContinue(key: Uint8Array, scope: TokenScope, token: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(associated(scope))
  const sealed = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
  return Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString('base64url')
}

/** @throws IsthmusError bad_request when it was not made here, for this node and these selectors. */
export function openContinue(key: Uint8Array, scope: TokenScope, token: string): string {
  try {
    const bytes = Buffer.from(token, 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(associated(scope))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const open = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
    return Buffer.concat([open, decipher.final()]).toString('utf8')
  } catch (cause) {
    throw new IsthmusError('bad_request', 'continue key is not valid', { cause })
  }
}

function associated(scope: TokenScope): Buffer {
  const { nodeId, resource, namespace, labelSelector, fieldSelector } = scope
  return Buffer.from(JSON.stringify([nodeId, resource, namespace, labelSelector, fieldSelector]))
}
