/** Structured fields of one log line; values must survive JSON.stringify, secrets must not be among them. */
export type LogFields = Record<string, unknown>

/**
 * What every part of Isthmus logs through. It is passed in, never imported: the mains give a pino logger,
 * tests give a recording or a silent one. The shape is pino's, fields first.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger
}

const nothing = () => {}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
