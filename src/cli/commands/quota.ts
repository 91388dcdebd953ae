import type { Command } from 'commander'
import type { Quota } from '../../protocol/schemas/operator.ts'
import { collectAmounts } from '../amounts.ts'
import {
  type ConnectionOptions,
  outputFormat,
  withClient,
  withConnection,
  withOutput,
} from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { printList } from '../output/print.ts'
import { quotaRows } from './nouns.ts'

interface SetOptions extends ConnectionOptions {
  unset?: string[]
}

/** `isthmus quota …` */
export function quotaCommand(program: Command, environment: CliEnvironment): void {
  const command = program.command('quota').description('show and set the hard limits of a tenant')
  const print = (options: ConnectionOptions, quota: Quota) =>
    environment.stdout.write(`${printList(outputFormat(options), quota.rows, quotaRows)}\n`)
  withOutput(withConnection(command.command('get <tenant>')))
    .description('hard limits, used and reserved')
    .action(async (tenant: string, options: ConnectionOptions) => {
      const path = ['v1', 'tenants', tenant, 'quota']
      const reply = await withClient(environment, options, (client) =>
        client.call<Quota>({ method: 'GET', path }),
      )
      print(options, reply.body)
    })
  withOutput(withConnection(command.command('set <tenant> [limits...]')))
    .description('change hard limits; those that are not named stay')
    .option('--unset <resource...>', 'take a limit away')
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus quota set acme requests.cpu=16 limits.memory=64Gi\n  isthmus quota set acme pods=unlimited',
    )
    .action(async (tenant: string, limits: string[], options: SetOptions) => {
      const named = limits.reduce<Record<string, string>>((all, limit) => collectAmounts(limit, all), {})
      const gone = Object.fromEntries((options.unset ?? []).map((resource) => [resource, null]))
      const path = ['v1', 'tenants', tenant, 'quota']
      const reply = await withClient(environment, options, async (client) => {
        const { etag } = await client.call<Quota>({ method: 'GET', path })
        return client.call<Quota>({
          method: 'PATCH',
          path,
          body: { hard: { ...named, ...gone } },
          ifMatch: etag,
        })
      })
      print(options, reply.body)
    })
}
