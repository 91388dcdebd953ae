import type { Command } from 'commander'
import type { VirtualNode } from '../../protocol/schemas/operator.ts'
import { collectAmounts } from '../amounts.ts'
import { type ConnectionOptions, withConnection, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { create, nounCommand, update } from './noun.ts'
import { nodes } from './nouns.ts'

interface CreateOptions extends ConnectionOptions {
  tenant: string
  cluster: string
  capacity: Record<string, string>
}

/** `isthmus node …` without `install`, which has a file of its own. Returns the command, to add to. */
export function nodeCommand(program: Command, environment: CliEnvironment): Command {
  const command = nounCommand(program, nodes, environment)
  withOutput(withConnection(command.command('create <name>')))
    .description('make a virtual node of a tenant on a data plane')
    .requiredOption('--tenant <name>', 'whose it is')
    .requiredOption('--cluster <name>', 'where its pods run')
    .requiredOption(
      '--capacity <resource=quantity>',
      'what it shows, repeatable: cpu=8,memory=32Gi,pods=50',
      collectAmounts,
    )
    .addHelpText(
      'after',
      '\nExample:\n  isthmus node create east --tenant acme --cluster dp-1 --capacity cpu=8,memory=32Gi,pods=50',
    )
    .action(async (name: string, options: CreateOptions) => {
      const { tenant, cluster, capacity } = options
      await create<VirtualNode>(environment, nodes, options, { name, tenant, cluster, capacity })
    })
  withOutput(withConnection(command.command('resize <name>')))
    .description('change the capacity that it shows')
    .requiredOption('--capacity <resource=quantity>', 'new capacity', collectAmounts)
    .action((name: string, options: CreateOptions) =>
      update(environment, nodes, name, options, { capacity: options.capacity }),
    )
  return command
}
