import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** What `isthmus token` needs to get a token; lies in a file that only its owner reads. */
export interface StoredCredential {
  /** Public listener of the gateway. */
  gateway: string
  /** PEM; the system's roots when absent. */
  ca?: string
  clientId: string
  clientSecret: string
}

/** Writes it with mode 0600, whole or not at all. */
export function writePrivate(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(temporary, path)
}

/** @throws IsthmusError bad_request when the file is missing or is not such a file */
export function readCredential(path: string): StoredCredential {
  let parsed: Partial<StoredCredential>
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8')) as Partial<StoredCredential>
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsthmusError('bad_request', `--credential: ${why}`, { cause })
  }
  for (const field of ['gateway', 'clientId', 'clientSecret'] as const) {
    if (typeof parsed[field] !== 'string') {
      throw new IsthmusError(
        'bad_request',
        `--credential: ${path} has no "${field}"; make it by isthmus kubeconfig`,
      )
    }
  }
  return parsed as StoredCredential
}
