import type { Command } from 'commander'
import { type ConnectionOptions, withClient, withConnection } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { nounCommand } from './noun.ts'
import { sessions } from './nouns.ts'

/** `isthmus session …` */
export function sessionCommand(program: Command, environment: CliEnvironment): void {
  const command = nounCommand(program, sessions, environment)
  withConnection(command.command('kill <id...>'))
    .description('end open sessions, on whichever replica they are')
    .action(async (ids: string[], options: ConnectionOptions) => {
      await withClient(environment, options, async (client) => {
        for (const id of ids) {
          await client.call({ method: 'DELETE', path: ['v1', 'sessions', id] })
          environment.stdout.write(`session/${id} killed\n`)
        }
      })
    })
}
