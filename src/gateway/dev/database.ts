import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Logger } from '../../lib/logger.ts'
import { runningPostgres, startEmbeddedPostgres } from '../../postgres/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'

/**
 * The database of `--dev` for a command beside the gateway: that of the running gateway, or started for as long
 * as the command takes. @throws IsthmusError bad_request where there never was one
 */
export async function reachDevDatabase(
  dataDir: string,
  logger: Logger,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = path.resolve(dataDir, 'postgres')
  if (!existsSync(folder)) {
    throw new IsthmusError('bad_request', `--data-dir: ${path.resolve(dataDir)} holds no data of a gateway`)
  }
  const url = runningPostgres(folder)
  if (url !== undefined) return { url, stop: async () => {} }
  return startEmbeddedPostgres({ dataDir: folder, logger })
}
