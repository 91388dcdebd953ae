import type { LogFields, Logger } from '../../../src/lib/logger.ts'

/** One plain line per message with the seconds since the start; fields are left out, the messages say enough. */
export function consoleLogger(
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Logger {
  const started = Date.now()
  const print = (_fields: LogFields, message: string) =>
    write(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${message}\n`)
  const logger: Logger = { debug: () => {}, info: print, warn: print, error: print, child: () => logger }
  return logger
}
