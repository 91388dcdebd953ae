import type { LogFields, Logger } from '../../lib/logger.ts'
import type { CliEnvironment } from '../environment.ts'
import { printable } from '../output/table.ts'

/** For commands that end by themselves: warnings and errors as a line on stderr, the rest is not said. */
export function stderrLogger(environment: CliEnvironment): Logger {
  const say = (level: string) => (fields: LogFields, message: string) => {
    const { err } = fields
    const why = err instanceof Error ? `: ${err.message}` : ''
    environment.stderr.write(`${level}: ${printable(message + why)}\n`)
  }
  const nothing = () => {}
  const logger: Logger = {
    debug: nothing,
    info: nothing,
    warn: say('warning'),
    error: say('error'),
    child: () => logger,
  }
  return logger
}
