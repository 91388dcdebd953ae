import type { Command } from 'commander'
import type { Tenant } from '../../protocol/schemas/operator.ts'
import { collectAmounts } from '../amounts.ts'
import { type ConnectionOptions, withConnection, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { create, nounCommand, update } from './noun.ts'
import { tenants } from './nouns.ts'

interface CreateOptions extends ConnectionOptions {
  displayName?: string
  otherResources?: string
  quota?: Record<string, string>
}

/** `isthmus tenant …` */
export function tenantCommand(program: Command, environment: CliEnvironment): void {
  const command = nounCommand(program, tenants, environment)
  withOutput(withConnection(command.command('create <name>')))
    .description('make a tenant')
    .option('--display-name <text>', 'what people call it')
    .option('--quota <resource=quantity>', 'a hard limit, repeatable: pods=20,requests.cpu=8', collectAmounts)
    .option('--other-resources <what>', 'resources without a limit: refuse (default) or unlimited')
    .addHelpText(
      'after',
      '\nExample:\n  isthmus tenant create acme --quota pods=20,requests.cpu=8,requests.memory=16Gi',
    )
    .action(async (name: string, options: CreateOptions) => {
      const { displayName, otherResources, quota } = options
      await create<Tenant>(environment, tenants, options, { name, displayName, otherResources, quota })
    })
  for (const [verb, suspended, what] of [
    ['suspend', true, 'refuse its tokens and cut its streams; what runs keeps running'],
    ['resume', false, 'let it in again'],
  ] as const) {
    withOutput(withConnection(command.command(`${verb} <name>`)))
      .description(what)
      .action((name: string, options: ConnectionOptions) =>
        update(environment, tenants, name, options, { suspended }),
      )
  }
}
