import { CommanderError } from 'commander'
import { SettingsError } from '../lib/settings.ts'
import { type IsthmusError, isIsthmusError } from '../protocol/errors/index.ts'
import type { CliEnvironment } from './environment.ts'
import { CommandEnded, exitCodeOf, exitCodes } from './exit-codes.ts'
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
    if (error instanceof CommandEnded) return error.exitCode
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof SettingsError) {
      environment.stderr.write(`error: ${error.message}\n`)
      return exitCodes.usage
    }
    if (isIsthmusError(error)) {
      environment.stderr.write(describe(error))
      return exitCodeOf(error.code)
    }
    environment.stderr.write(`error: ${describeUnknown(error)}\n`)
    return exitCodes.failure
  }
}

function describe(error: IsthmusError): string {
  const lines = [`error: ${printable(error.message)}`]
  for (const cause of error.details.causes ?? [])
    lines.push(`  ${printable(cause.field)}: ${printable(cause.message)}`)
  return `${lines.join('\n')}\n`
}

/** A file or an address that the system refuses is the user's to see to; anything else is a fault of ours, with its stack. */
function describeUnknown(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'syscall' in error ? error.message : `${error.stack ?? error.message}${causesOf(error)}`
}

/** A stack says where; why is often only in the causes: what PostgreSQL answered to a migration. */
function causesOf(error: Error): string {
  const lines: string[] = []
  for (let at = error.cause; at instanceof Error && lines.length < 5; at = at.cause) lines.push(at.message)
  return lines.map((message) => `\n  because: ${printable(message)}`).join('')
}
