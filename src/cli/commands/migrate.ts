import type { Command } from 'commander'
import type { MigrationState } from '../../gateway/store/migrate.ts'
import type { CliEnvironment } from '../environment.ts'
import { withDatabaseOptions, withLocalGateway } from '../local/database.ts'
import { stderrLogger } from '../local/logger.ts'
import { renderTable } from '../output/table.ts'

/** `isthmus migrate`: the schema apart from the start of a gateway. */
export function migrateCommand(program: Command, environment: CliEnvironment): void {
  const command = withDatabaseOptions(program.command('migrate'))
    .description(
      'bring the database to the schema of this version; runners at the same time wait for each other',
    )
    .option('--dry-run', 'list what is applied and what is pending, change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus migrate --database-url postgres://isthmus@db/isthmus\n  isthmus migrate --dry-run',
    )
  command.action(async (options: { dryRun?: boolean }) => {
    const { migrate, migrationStates } = await import('../../gateway/store/migrate.ts')
    await withLocalGateway(command, environment, async ({ database }) => {
      if (options.dryRun) {
        environment.stdout.write(`${table(await migrationStates({ database }))}\n`)
        return
      }
      const applied = await migrate({ database, logger: stderrLogger(environment) })
      const said = applied.length === 0 ? ['nothing to do'] : applied.map((name) => `applied ${name}`)
      environment.stdout.write(`${said.join('\n')}\n`)
    })
  })
}

function table(states: readonly MigrationState[]): string {
  return renderTable(
    [
      { heading: 'MIGRATION', cell: (row) => `${String(row.id).padStart(4, '0')}-${row.name}` },
      { heading: 'STATE', cell: (row) => (row.appliedAt ? 'Applied' : 'Pending') },
      { heading: 'APPLIED', cell: (row) => row.appliedAt?.toISOString() },
    ],
    states,
  )
}
