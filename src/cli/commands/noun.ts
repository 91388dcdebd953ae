import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { RemovalReport } from '../../protocol/schemas/operator.ts'
import {
  type ConnectionOptions,
  outputFormat,
  withClient,
  withConnection,
  withOutput,
} from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { type Printed, printList, printOne } from '../output/print.ts'

/** One noun of the operator face and how it is printed; the verbs get, list and delete are the same for all. */
export interface Noun<T> extends Printed<T> {
  /** Singular, as the command is called. */
  singular: string
  /** One line for the help. */
  description: string
  /** Path under `/v1`. */
  plural: string
  /** Which of the generic verbs it has. */
  verbs: readonly ('get' | 'list' | 'delete')[]
  /** `--mode drain|force` on delete. */
  deleteModes?: boolean
  /** Filters of list: option and query parameter by the same name. */
  filters?: readonly { name: string; description: string; flag?: boolean }[]
}

/** The command of a noun with its generic verbs; the caller adds create, update and what is its own. */
export function nounCommand<T>(program: Command, noun: Noun<T>, environment: CliEnvironment): Command {
  const command = program.command(noun.singular).description(noun.description)
  if (noun.verbs.includes('list')) addList(command, noun, environment)
  if (noun.verbs.includes('get')) addGet(command, noun, environment)
  if (noun.verbs.includes('delete')) addDelete(command, noun, environment)
  return command
}

function addList<T>(command: Command, noun: Noun<T>, environment: CliEnvironment): void {
  const list = withOutput(
    withConnection(command.command('list', { isDefault: noun.verbs.length === 1 }).alias('ls')),
  ).description(`list ${noun.plural}`)
  for (const filter of noun.filters ?? []) {
    list.option(filter.flag ? `--${filter.name}` : `--${filter.name} <${filter.name}>`, filter.description)
  }
  list.option('--limit <n>', 'stop after this many')
  list.action(async (options: ConnectionOptions & Record<string, string | boolean | undefined>) => {
    const format = outputFormat(options)
    const query = Object.fromEntries((noun.filters ?? []).map(({ name }) => [name, options[name]]))
    const most = options['limit'] === undefined ? Number.POSITIVE_INFINITY : Number(options['limit'])
    const rows: T[] = []
    await withClient(environment, options, async (client) => {
      for await (const row of client.pages<T>(['v1', noun.plural], query)) {
        if (rows.length >= most) break
        rows.push(row)
      }
    })
    environment.stdout.write(`${printList(format, rows, noun)}\n`)
  })
}

function addGet<T>(command: Command, noun: Noun<T>, environment: CliEnvironment): void {
  withOutput(withConnection(command.command('get <name>')))
    .description(`show one ${noun.singular}, by name or id`)
    .action(async (name: string, options: ConnectionOptions) => {
      const format = outputFormat(options)
      const { body } = await withClient(environment, options, (client) =>
        client.call<T>({ method: 'GET', path: ['v1', noun.plural, name] }),
      )
      environment.stdout.write(`${printOne(format, body, noun)}\n`)
    })
}

function addDelete<T>(command: Command, noun: Noun<T>, environment: CliEnvironment): void {
  const remove = withConnection(command.command('delete <name>')).description(`delete a ${noun.singular}`)
  if (noun.deleteModes) {
    remove.option(
      '--mode <mode>',
      'what happens to pods that it still carries: drain (let them end) or force',
    )
  }
  remove.action(async (name: string, options: ConnectionOptions & { mode?: string }) => {
    const { body } = await withClient(environment, options, (client) =>
      client.call<RemovalReport | undefined>({
        method: 'DELETE',
        path: ['v1', noun.plural, name],
        query: { mode: options.mode },
      }),
    )
    environment.stdout.write(`${noun.singular}/${name} deleted\n`)
    for (const { node, cluster, namespaces, pods } of body?.left ?? []) {
      environment.stderr.write(
        `${node} left ${pods} pod(s) in ${cluster}, which does not answer: ${namespaces.join(', ')}\n`,
      )
    }
  })
}

/** Sends a create, safe to repeat, and prints what came of it. */
export async function create<T>(
  environment: CliEnvironment,
  noun: Pick<Noun<T>, 'plural' | 'columns' | 'name'>,
  options: ConnectionOptions,
  body: unknown,
): Promise<T> {
  const format = outputFormat(options)
  const reply = await withClient(environment, options, (client) =>
    client.call<T>({ method: 'POST', path: ['v1', noun.plural], body, idempotencyKey: randomUUID() }),
  )
  environment.stdout.write(`${printOne(format, reply.body, noun)}\n`)
  return reply.body
}

/** Reads, changes and writes with the ETag that was read, so that nobody else's change is lost. */
export async function update<T>(
  environment: CliEnvironment,
  noun: Pick<Noun<T>, 'plural' | 'columns' | 'name'>,
  name: string,
  options: ConnectionOptions,
  body: unknown,
): Promise<void> {
  const format = outputFormat(options)
  const path = ['v1', noun.plural, name]
  const reply = await withClient(environment, options, async (client) => {
    const { etag } = await client.call<T>({ method: 'GET', path })
    return client.call<T>({ method: 'PATCH', path, body, ifMatch: etag })
  })
  environment.stdout.write(`${printOne(format, reply.body, noun)}\n`)
}
