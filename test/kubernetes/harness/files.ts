import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from './certificates.ts'

/** Writes `<name>.crt` and `<name>.key` into the folder, readable by root alone. */
export function writeKeyPair(folder: string, name: string, pair: KeyPair): { cert: string; key: string } {
  return {
    cert: writePrivate(folder, `${name}.crt`, pair.cert),
    key: writePrivate(folder, `${name}.key`, pair.key),
  }
}

/** Writes a file that only its owner may read, and returns its path. Makes the folder. */
export function writePrivate(folder: string, name: string, content: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

/** `{ a: 1, b: true }` → `['--a=1', '--b=true']`; undefined is left out. */
export function flags(values: Record<string, string | number | boolean | undefined>): string[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name}=${value}`)
}
