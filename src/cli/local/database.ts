import type { Command } from 'commander'
import { type GatewayConfig, gatewaySettings } from '../../gateway/config.ts'
import type { Database } from '../../gateway/store/database.ts'
import { readSettings, type Settings } from '../../lib/settings.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { sourcesOf, withSettings } from '../commands/service.ts'
import type { CliEnvironment } from '../environment.ts'
import { stderrLogger } from './logger.ts'

const DATABASE = ['databaseUrl', 'dev', 'dataDir'] as const
const KEYS = ['masterKeys', 'masterKeyFile'] as const

/** What a local command works on: the gateway's own database. */
export interface LocalGateway {
  config: GatewayConfig
  database: Database
}

function subset(keys: readonly (keyof typeof gatewaySettings)[]): Settings {
  return Object.fromEntries(keys.map((key) => [key, gatewaySettings[key]]))
}

/** Adds the gateway's own settings for its database, so that one environment or file serves it and this command. */
export function withDatabaseOptions(command: Command): Command {
  return withSettings(command, subset(DATABASE))
}

/** As `withDatabaseOptions`, and the master keys. */
export function withKeyOptions(command: Command): Command {
  return withSettings(command, subset([...DATABASE, ...KEYS]))
}

/**
 * Opens the gateway's database for `act` and closes it. With `--dev` the embedded server of the data directory:
 * the running one, or one started for as long as this takes.
 * @throws IsthmusError bad_request without a database
 */
export async function withLocalGateway<T>(
  command: Command,
  environment: CliEnvironment,
  act: (gateway: LocalGateway) => Promise<T>,
): Promise<T> {
  const sources = sourcesOf(command, subset([...DATABASE, ...KEYS]), environment)
  const config = readSettings(gatewaySettings, sources).values
  const logger = stderrLogger(environment)
  const { openDatabase } = await import('../../gateway/store/database.ts')
  const server = await reach(config, environment)
  try {
    const database = openDatabase({ url: server.url, logger, poolSize: 2 })
    try {
      return await act({ config, database })
    } finally {
      await database.close()
    }
  } finally {
    await server.stop()
  }
}

async function reach(
  config: GatewayConfig,
  environment: CliEnvironment,
): Promise<{ url: string; stop(): Promise<void> }> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, stop: async () => {} }
  if (!config.dev) {
    throw new IsthmusError(
      'bad_request',
      'No database: give --database-url (or set DATABASE_URL), or --dev with --data-dir for the embedded one',
    )
  }
  const { reachDevDatabase } = await import('../../gateway/dev/database.ts')
  return reachDevDatabase(config.dataDir, stderrLogger(environment))
}
