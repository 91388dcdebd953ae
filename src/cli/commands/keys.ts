import type { Command } from 'commander'
import type { StoredKey } from '../../gateway/tokens/index.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Sealer } from '../../lib/seal.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { type ConnectionOptions, outputFormat, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import {
  type LocalGateway,
  withDatabaseOptions,
  withKeyOptions,
  withLocalGateway,
} from '../local/database.ts'
import { stderrLogger } from '../local/logger.ts'
import { printList } from '../output/print.ts'

type Listed = Omit<StoredKey, 'publicJwk' | 'sealedPrivate'>

/** `isthmus keys …`: the keys that sign tokens, and the master keys that seal them and the clusters' credentials. */
export function keysCommand(program: Command, environment: CliEnvironment): void {
  const keys = program
    .command('keys')
    .description('list and rotate the keys that sign tokens and seal secrets')
  addList(keys, environment)
  addRotate(keys, environment)
}

function addList(keys: Command, environment: CliEnvironment): void {
  const command = withOutput(withDatabaseOptions(keys.command('list').alias('ls')))
    .description('list the keys that sign tokens')
    .addHelpText('after', '\nExample:\n  isthmus keys list --dev --data-dir .isthmus')
  command.action(async (options: ConnectionOptions) => {
    const format = outputFormat(options)
    const { postgresKeyStore } = await import('../../gateway/store/keys.ts')
    const stored = await withLocalGateway(command, environment, ({ database }) =>
      postgresKeyStore(database).list(),
    )
    const rows = stored.map(({ kid, activeAtMs, retiredAtMs }) => ({ kid, activeAtMs, retiredAtMs }))
    const text = printList<Listed>(format, rows, {
      name: (row) => `key/${row.kid}`,
      columns: [
        { heading: 'KID', cell: (row) => row.kid },
        { heading: 'STATE', cell: (row) => stateOf(row, environment.now()) },
        { heading: 'SIGNS FROM', cell: (row) => iso(row.activeAtMs) },
        { heading: 'UNTIL', cell: (row) => iso(row.retiredAtMs) },
      ],
    })
    environment.stdout.write(`${text}\n`)
  })
}

function addRotate(keys: Command, environment: CliEnvironment): void {
  const command = withKeyOptions(keys.command('rotate'))
    .description('make a new signing key; tokens of the old ones stay good until they expire')
    .option('--master', 'instead: seal every secret anew with the first of the master keys')
    .addHelpText(
      'after',
      '\nTo change the master key: put the new one first, restart every gateway, run with --master, take the old one out.\n\nExamples:\n  isthmus keys rotate --master-key-file keys\n  isthmus keys rotate --master --master-key-file keys',
    )
  command.action(async (options: { master?: boolean }) => {
    const said = await withLocalGateway(command, environment, (gateway) =>
      options.master ? rotateMaster(gateway) : rotateSigning(gateway, environment),
    )
    environment.stdout.write(`${said}\n`)
  })
}

async function sealerOf({ config }: LocalGateway) {
  const { readMasterKeys } = await import('../../gateway/dev/master-key.ts')
  const { makeSealer } = await import('../../lib/seal.ts')
  try {
    return makeSealer(readMasterKeys(config))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsthmusError('bad_request', `--master-keys, --master-key-file: ${why}`, { cause })
  }
}

async function rotateMaster(gateway: LocalGateway): Promise<string> {
  const { reseal } = await import('../../gateway/store/reseal.ts')
  const sealer = await sealerOf(gateway)
  const { changed, current } = await reseal(gateway.database, sealer)
  return `${changed} secrets sealed with the first master key, ${current} were already`
}

async function rotateSigning(gateway: LocalGateway, environment: CliEnvironment): Promise<string> {
  const { makeKeyring } = await import('../../gateway/tokens/index.ts')
  const { postgresKeyStore } = await import('../../gateway/store/keys.ts')
  const store = postgresKeyStore(gateway.database)
  const sealer = await sealerOf(gateway)
  const stored = await store.list()
  // A new key under another master key would be one that no gateway can open.
  for (const key of stored) openable(sealer, key)
  const logger = stderrLogger(environment)
  const ring = await makeKeyring({ store, sealer, clock: systemClock, logger })
  const before = new Set((await store.list()).map(({ kid }) => kid))
  await ring.rotate()
  const made = (await store.list()).find(({ kid }) => !before.has(kid))
  return made
    ? `key/${made.kid} made; it signs from ${iso(made.activeAtMs)}`
    : 'a new key is on its way already: nothing to do'
}

function openable(sealer: Sealer, key: StoredKey): void {
  try {
    sealer.open(key.sealedPrivate, `signing-key:${key.kid}`)
  } catch (cause) {
    throw new IsthmusError('bad_request', 'The master keys are not those of this database.', { cause })
  }
}

function stateOf(key: Listed, nowMs: number): string {
  if (key.activeAtMs > nowMs) return 'Coming'
  return key.retiredAtMs !== undefined && key.retiredAtMs <= nowMs ? 'Verifies' : 'Signs'
}

function iso(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString()
}
