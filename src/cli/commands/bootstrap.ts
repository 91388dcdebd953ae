import type { Command } from 'commander'
import type { Database } from '../../gateway/store/database.ts'
import { silentLogger } from '../../lib/logger.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { CliEnvironment } from '../environment.ts'
import { withDatabaseOptions, withLocalGateway } from '../local/database.ts'

interface Options {
  name: string
  raw?: boolean
  force?: boolean
}

/** `isthmus operator bootstrap`: the first token, which no API could give. Needs the database, not the gateway. */
export function bootstrapCommand(operator: Command, environment: CliEnvironment): void {
  const command = withDatabaseOptions(operator.command('bootstrap'))
    .description('make the first operator, an admin, in the database; the token is shown once')
    .option('--name <name>', 'what the operator is called', 'admin')
    .option('--raw', 'print the bare token')
    .option('--force', 'make another admin although there are operators already: for a lost token')
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus operator bootstrap --database-url postgres://isthmus@db/isthmus\n  ISTHMUS_TOKEN=$(isthmus operator bootstrap --dev --raw --force --name rescue)',
    )
  command.action(async (options: Options) => {
    const token = await withLocalGateway(command, environment, ({ database }) => makeAdmin(database, options))
    if (token === undefined) {
      throw new IsthmusError(
        'already_exists',
        'There are operators already: let an admin make another by "isthmus operator create", or say --force',
      )
    }
    environment.stdout.write(
      options.raw
        ? `${token}\n`
        : `operator/${options.name} made, an admin. Its token, shown this once:\n\n  ${token}\n\nUse it by ISTHMUS_TOKEN or --token-file.\n`,
    )
  })
}

/** The token, or undefined when there are operators already and nothing forces another. @throws already_exists for the name */
async function makeAdmin(database: Database, { name, force }: Options): Promise<string | undefined> {
  const { migrate } = await import('../../gateway/store/migrate.ts')
  const { postgresOperators } = await import('../../gateway/store/operators.ts')
  await migrate({ database, logger: silentLogger })
  const operators = postgresOperators(database)
  const token = await (await import('../../gateway/bootstrap.ts')).bootstrapOperator(operators, name)
  if (token !== undefined || !force) return token
  const { drawSecret, OPERATOR_PREFIX } = await import('../../gateway/credentials/index.ts')
  const { secret, hash } = drawSecret(OPERATOR_PREFIX)
  await operators.create({
    name,
    role: 'admin',
    tenantId: undefined,
    tokenHash: hash,
    expiresInSeconds: undefined,
  })
  return secret
}
