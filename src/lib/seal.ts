import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Bytes of a master key. */
export const MASTER_KEY_BYTES = 32

const VERSION = 1
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Sealer {
  /** Encrypts with the first key; `purpose` (kind and id of the row) must be given again to open it. */
  seal(plain: string, purpose: string): Buffer
  /** @throws Error when no key fits, or the bytes are of another purpose or were changed */
  open(sealed: Uint8Array, purpose: string): string
  /** Whether it is sealed with the first key, so that `isthmus keys rotate` may pass it over. */
  isCurrent(sealed: Uint8Array): boolean
}

/**
 * AES-256-GCM under a list of master keys: the first encrypts, all decrypt. Layout: version, the first 8 bytes of
 * the key's SHA-256, nonce, tag, ciphertext. The purpose is authenticated, so that a row's secret can not be
 * moved to another row.
 * @throws Error for an empty list or a key that is not 32 bytes long
 */
export function makeSealer(masterKeys: readonly Uint8Array[]): Sealer {
  const [first] = masterKeys
  if (!first) throw new Error('no master key')
  const keys = new Map<string, Uint8Array>()
  for (const key of masterKeys) {
    if (key.length !== MASTER_KEY_BYTES) throw new Error(`a master key has ${MASTER_KEY_BYTES} bytes`)
    keys.set(idOf(key), key)
  }
  const idOfSealed = (sealed: Uint8Array) => Buffer.from(sealed.subarray(1, 1 + KEY_ID_BYTES)).toString('hex')

  return {
    seal(plain, purpose) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', first, nonce).setAAD(Buffer.from(purpose))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      const head = Buffer.concat([Buffer.from([VERSION]), Buffer.from(idOf(first), 'hex')])
      return Buffer.concat([head, nonce, cipher.getAuthTag(), body])
    },
    open(sealed, purpose) {
      const key = keys.get(idOfSealed(sealed))
      if (sealed[0] !== VERSION || !key) throw new Error(`no master key opens ${purpose}`)
      const at = 1 + KEY_ID_BYTES
      const nonce = sealed.subarray(at, at + NONCE_BYTES)
      const tag = sealed.subarray(at + NONCE_BYTES, at + NONCE_BYTES + TAG_BYTES)
      const body = sealed.subarray(at + NONCE_BYTES + TAG_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(tag)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    },
    isCurrent: (sealed) => idOfSealed(sealed) === idOf(first),
  }
}

function idOf(key: Uint8Array): string {
  return createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES).toString('hex')
}
