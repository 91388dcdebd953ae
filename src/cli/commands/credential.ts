import type { Command } from 'commander'
import type { Credential, CredentialCreated, CredentialUpdate } from '../../protocol/schemas/operator.ts'
import { type ConnectionOptions, withClient, withConnection, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { create, nounCommand, update } from './noun.ts'
import { credentials } from './nouns.ts'

interface CreateOptions extends ConnectionOptions {
  kind?: string
  access?: string
  description?: string
}

/** Credentials as printed at their creation: the one time that the secret is shown. */
const created = {
  ...credentials,
  columns: [
    ...credentials.columns.filter((column) =>
      ['ID', 'TENANT', 'NODE', 'KIND', 'ACCESS'].includes(column.heading),
    ),
    { heading: 'SECRET (shown once)', cell: (row: CredentialCreated) => row.clientSecret },
  ],
}

/** `isthmus credential …` */
export function credentialCommand(program: Command, environment: CliEnvironment): void {
  const command = nounCommand(program, credentials, environment)
  withOutput(withConnection(command.command('create <node>')))
    .description('issue a credential for a node (its id, or tenant/node); the secret is shown once')
    .option('--kind <kind>', 'agent (at most two valid per node) or client (kubectl, programs)', 'agent')
    .option('--access <access>', 'of a client: edit or read-only')
    .option('--description <text>', 'what it is for')
    .addHelpText(
      'after',
      '\nExample:\n  isthmus credential create acme/east --kind client --access read-only',
    )
    .action(async (node: string, options: CreateOptions) => {
      const { kind, access, description } = options
      await create<CredentialCreated>(environment, created, options, { node, kind, access, description })
    })
  withOutput(withConnection(command.command('update <id>')))
    .description('change what a client may do, or the description; less access ends what runs of it')
    .option('--access <access>', 'of a client: edit or read-only')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', '\nExample:\n  isthmus credential update 6f1c… --access read-only')
    .action(async (id: string, options: ConnectionOptions & CredentialUpdate) => {
      const { access, description } = options
      await update<Credential>(environment, credentials, id, options, { access, description })
    })
  withConnection(command.command('revoke <id>'))
    .description('end it at once: its tokens, streams and watches too, on every replica')
    .action(async (id: string, options: ConnectionOptions) => {
      await withClient(environment, options, (client) =>
        client.call({ method: 'DELETE', path: ['v1', 'credentials', id] }),
      )
      environment.stdout.write(`credential/${id} revoked\n`)
    })
}
