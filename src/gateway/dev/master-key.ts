import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { MASTER_KEY_BYTES } from '../../lib/seal.ts'
import type { GatewayConfig } from '../config.ts'

/**
 * The master keys of the configuration; with `--dev` one is made in the data directory and kept there.
 * @throws Error for text that is no key of 32 bytes
 */
export function readMasterKeys(
  config: Pick<GatewayConfig, 'dev' | 'dataDir' | 'masterKeys' | 'masterKeyFile'>,
): Buffer[] {
  if (config.masterKeys) return config.masterKeys.map(decode)
  const file = config.masterKeyFile ?? (config.dev ? path.join(config.dataDir, 'master.key') : undefined)
  if (file === undefined) throw new Error('no master key is configured')
  if (config.dev && !existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
    writeFileSync(file, `${randomBytes(MASTER_KEY_BYTES).toString('base64')}\n`, { mode: 0o600 })
  }
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map(decode)
  if (keys.length === 0) throw new Error(`${file} holds no master key`)
  return keys
}

function decode(text: string): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length !== MASTER_KEY_BYTES) {
    throw new Error(`a master key is ${MASTER_KEY_BYTES} bytes in base64: openssl rand -base64 32`)
  }
  return key
}
