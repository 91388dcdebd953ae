import { CommanderError } from 'commander'
import { SettingsError } from '../lib/settings.ts'
import { type IsthmusError, isIsthmusError } from '../protocol/errors/index.ts'
import type { CliEnvironment } from './environment.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { printable } from './output/table.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line (without node and script) and gives its exit code. Errors go to stderr in one sentence,
 * the faults of each field on a line of its own.
 */
export async function run(args: readonly string[], environment: CliEnvironment): Promise<number> {
  try {
    await createProgram(environment).parseAsync(args, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof SettingsError) {
      environment.stderr.write(`error: ${error.message}\n`)
      return exitCodes.usage
    }
    if (isIsthmusError(error)) {
      environment.stderr.write(describe(error))
      return exitCodeOf(error.code)
    }
    environment.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return exitCodes.failure
  }
}

function describe(error: IsthmusError): string {
  const lines = [`error: ${printable(error.message)}`]
  for (const cause of error.details.causes ?? [])
    lines.push(`  ${printable(cause.field)}: ${printable(cause.message)}`)
  return `${lines.join('\n')}\n`
}
