import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { IsthmusError } from '../protocol/errors/index.ts'
import { type ApiClient, createApiClient } from './api/client.ts'
import type { CliEnvironment } from './environment.ts'
import { type OutputFormat, outputFormats } from './output/print.ts'

/** Options of every command that speaks to the operator face. */
export interface ConnectionOptions {
  server?: string
  token?: string
  tokenFile?: string
  ca?: string
  output?: string
}

/** Adds the options by which a command finds the operator face. */
export function withConnection(command: Command): Command {
  return command
    .option('--server <url>', 'operator listener of the gateway [env: ISTHMUS_SERVER]')
    .option('--token <token>', 'operator token [env: ISTHMUS_TOKEN]')
    .option('--token-file <path>', 'file that holds the operator token [env: ISTHMUS_TOKEN_FILE]')
    .option('--ca <path>', 'CA certificate of the gateway, PEM [env: ISTHMUS_CA]')
}

/** Adds `-o`. */
export function withOutput(command: Command): Command {
  return command.option('-o, --output <format>', `one of ${outputFormats.join(', ')}`, 'table')
}

/** Runs `act` with a client, and closes it. @throws IsthmusError bad_request when something is missing */
export async function withClient<T>(
  environment: CliEnvironment,
  options: ConnectionOptions,
  act: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const { env } = environment
  const server = options.server ?? env['ISTHMUS_SERVER']
  if (server === undefined) throw missing('--server', 'ISTHMUS_SERVER')
  if (!URL.canParse(server)) throw new IsthmusError('bad_request', `--server: ${server} is not a URL`)
  const tokenFile = options.tokenFile ?? env['ISTHMUS_TOKEN_FILE']
  const token =
    options.token ?? env['ISTHMUS_TOKEN'] ?? (tokenFile && readText(tokenFile, '--token-file').trim())
  if (token === undefined) throw missing('--token', 'ISTHMUS_TOKEN')
  const caFile = options.ca ?? env['ISTHMUS_CA']
  const ca = caFile === undefined ? undefined : readText(caFile, '--ca')
  const client = createApiClient({ server, token, ca })
  try {
    return await act(client)
  } finally {
    await client.close()
  }
}

/** @throws IsthmusError bad_request that names the option */
export function readText(path: string, option: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsthmusError('bad_request', `${option}: ${why}`, { cause })
  }
}

/** The format of `-o`, checked. @throws IsthmusError bad_request */
export function outputFormat(options: { output?: string }): OutputFormat {
  const format = outputFormats.find((known) => known === (options.output ?? 'table'))
  if (format === undefined) {
    throw new IsthmusError('bad_request', `-o ${options.output}: one of ${outputFormats.join(', ')}`)
  }
  return format
}

function missing(option: string, variable: string): IsthmusError {
  return new IsthmusError('bad_request', `${option} is missing (or set ${variable})`)
}
