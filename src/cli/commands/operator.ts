import type { Command } from 'commander'
import type { Operator, OperatorCreated } from '../../protocol/schemas/operator.ts'
import { type ConnectionOptions, withConnection, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { create, nounCommand, update } from './noun.ts'
import { operators } from './nouns.ts'

interface CreateOptions extends ConnectionOptions {
  role: string
  tenant?: string
  expiresIn?: string
}

const created = {
  ...operators,
  columns: [
    ...operators.columns.filter((column) => ['NAME', 'ROLE', 'TENANT', 'EXPIRES'].includes(column.heading)),
    { heading: 'TOKEN (shown once)', cell: (row: OperatorCreated) => row.token },
  ],
}

/** `isthmus operator …` without `bootstrap`, which needs the database. Returns the command, to add to. */
export function operatorCommand(program: Command, environment: CliEnvironment): Command {
  const command = nounCommand(program, operators, environment)
  withOutput(withConnection(command.command('create <name>')))
    .description('make an operator; the token is shown once')
    .requiredOption('--role <role>', 'admin, viewer or tenant-admin')
    .option('--tenant <name>', 'of a tenant-admin: the one tenant')
    .option('--expires-in <seconds>', 'when its token ends')
    .addHelpText('after', '\nExample:\n  isthmus operator create grafana --role viewer --expires-in 2592000')
    .action(async (name: string, options: CreateOptions) => {
      const expiresInSeconds = options.expiresIn === undefined ? undefined : Number(options.expiresIn)
      const body = { name, role: options.role, tenant: options.tenant, expiresInSeconds }
      await create<OperatorCreated>(environment, created, options, body)
    })
  withOutput(withConnection(command.command('update <name>')))
    .description('change name, role or expiry; the token stays')
    .option('--name <name>', 'the new name')
    .option('--role <role>', 'admin, viewer or tenant-admin')
    .option('--tenant <name>', 'of a tenant-admin: the one tenant')
    .option('--expires-in <seconds>', 'when its token ends, or never')
    .addHelpText('after', '\nExample:\n  isthmus operator update grafana --expires-in never')
    .action(async (reference: string, options: Partial<CreateOptions> & { name?: string }) => {
      const { name, role, tenant, expiresIn } = options
      const seconds = expiresIn === 'never' ? null : expiresIn === undefined ? undefined : Number(expiresIn)
      const body = { name, role, tenant, expiresInSeconds: seconds }
      await update<Operator>(environment, operators, reference, options, body)
    })
  return command
}
