import { existsSync, readFileSync } from 'node:fs'

/** One setting: the field's text is the manual (docs/config.md is generated from it). */
export interface Setting<T> {
  /** Command line flag without dashes, also the key in the file: `public-port`. */
  flag: string
  /** Environment variable. */
  env: string
  /** What it is for, its unit and its limits. */
  description: string
  /** How the value looks, for the table: `port`, `path`, `duration`. */
  kind: string
  /** Absent: it has to be given, unless `optional`. */
  default?: T
  optional?: boolean
  /** Masked wherever it is shown. */
  secret?: boolean
  /** @throws Error with what is wrong, without the value */
  parse(text: string): T
}

// biome-ignore lint/suspicious/noExplicitAny: the registry holds settings of any type; values() gives each its own.
export type Settings = Record<string, Setting<any>>
export type Values<S extends Settings> = {
  [Key in keyof S]: S[Key] extends Setting<infer T>
    ? S[Key]['optional'] extends true
      ? T | undefined
      : T
    : never
}

/** Where values come from; the first that has one wins: flags, environment, file, default. */
export interface SettingSources {
  /** By flag name; `true` for a flag without a value. */
  flags?: Record<string, string | boolean | undefined>
  env?: Record<string, string | undefined>
  /** A JSON object, keys as flags; read from this path. */
  file?: string
}

export type Origin = 'flag' | 'environment' | 'file' | 'default' | 'unset'

/** All faults of a configuration at once. */
export class SettingsError extends Error {
  readonly faults: string[]

  constructor(faults: string[]) {
    super(
      `The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
    this.name = 'SettingsError'
    this.faults = faults
  }
}

export interface ReadSettings<S extends Settings> {
  values: Values<S>
  origins: Record<keyof S, Origin>
}

/** Reads and validates. @throws SettingsError with every fault, unknown flags and keys of the file included */
export function readSettings<S extends Settings>(settings: S, sources: SettingSources): ReadSettings<S> {
  const faults: string[] = []
  const file = sources.file === undefined ? {} : readFile(sources.file, faults)
  const known = new Set(Object.values(settings).map((setting) => setting.flag))
  for (const key of Object.keys(sources.flags ?? {}))
    if (!known.has(key)) faults.push(`--${key}: unknown flag`)
  for (const key of Object.keys(file))
    if (!known.has(key)) faults.push(`${sources.file}: ${key}: unknown key`)

  const values: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const [text, origin, place] = find(setting, sources, file)
    origins[key] = origin
    if (text === undefined) {
      values[key] = setting.default
      if (setting.default === undefined && !setting.optional) {
        faults.push(`--${setting.flag} (or ${setting.env}): is required: ${setting.description}`)
      }
      continue
    }
    try {
      values[key] = setting.parse(text)
    } catch (error) {
      faults.push(`${place}: ${(error as Error).message}`)
    }
  }
  if (faults.length > 0) throw new SettingsError(faults)
  return { values: values as Values<S>, origins: origins as Record<keyof S, Origin> }
}

function find(
  setting: Setting<unknown>,
  sources: SettingSources,
  file: Record<string, unknown>,
): [string | undefined, Origin, string] {
  const flag = sources.flags?.[setting.flag]
  if (flag !== undefined) return [String(flag), 'flag', `--${setting.flag}`]
  const env = sources.env?.[setting.env]
  if (env !== undefined && env !== '') return [env, 'environment', setting.env]
  const inFile = file[setting.flag]
  if (inFile !== undefined) return [String(inFile), 'file', `${sources.file}: ${setting.flag}`]
  return [undefined, setting.default === undefined ? 'unset' : 'default', setting.flag]
}

function readFile(path: string, faults: string[]): Record<string, unknown> {
  try {
    if (!existsSync(path)) throw new Error('no such file')
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new Error('must be a JSON object')
    return parsed as Record<string, unknown>
  } catch (error) {
    faults.push(`${path}: ${(error as Error).message}`)
    return {}
  }
}

/** The effective values, one line each, secrets masked: what `isthmus config` prints. */
export function showSettings<S extends Settings>(settings: S, read: ReadSettings<S>): string[] {
  return Object.entries(settings).map(([key, setting]) => {
    const value = (read.values as Record<string, unknown>)[key]
    const shown = value === undefined ? '' : setting.secret ? '********' : JSON.stringify(value)
    return `${setting.flag}=${shown}  # ${read.origins[key]}`
  })
}

/** A default as it would be given on the command line; undefined when there is none. */
export function showDefault(setting: Setting<unknown>): string | undefined {
  const { default: standard, kind } = setting
  if (standard === undefined || (Array.isArray(standard) && standard.length === 0)) return undefined
  return kind === 'duration' ? showDuration(standard as number) : String(standard)
}

/** The registry as a Markdown table for docs/config.md. */
export function settingsTable(settings: Settings): string {
  const rows = Object.values(settings).map((setting) => {
    const shown = showDefault(setting)
    const required = setting.default === undefined && !setting.optional
    const standard = required ? '*required*' : shown === undefined ? '' : `\`${shown}\``
    return `| \`--${setting.flag}\` | \`${setting.env}\` | ${setting.kind} | ${standard} | ${setting.description} |`
  })
  return ['| flag | environment | kind | default | what it does |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  )
}

type Common<T> = Omit<Setting<T>, 'parse' | 'kind'>

/** The kinds of settings; each returns what it was given, so that the literal type is kept. */
export const setting = {
  text: <const S extends Common<string>>(given: S) =>
    ({ ...given, kind: 'text', parse: (text: string) => text }) as S & Setting<string>,
  path: <const S extends Common<string>>(given: S) =>
    ({ ...given, kind: 'path', parse: (text: string) => text }) as S & Setting<string>,
  boolean: <const S extends Common<boolean>>(given: S) =>
    ({ ...given, kind: 'boolean', parse: parseBoolean }) as S & Setting<boolean>,
  integer: <const S extends Common<number>>(given: S, range: { min: number; max: number }) =>
    ({
      ...given,
      kind: `integer ${range.min}–${range.max}`,
      parse: (text: string) => parseInteger(text, range),
    }) as S & Setting<number>,
  /** Milliseconds inside; `500ms`, `30s`, `15m`, `24h` outside. */
  duration: <const S extends Common<number>>(given: S) =>
    ({ ...given, kind: 'duration', parse: parseDuration }) as S & Setting<number>,
  choice: <const C extends readonly string[], const S extends Common<C[number]>>(choices: C, given: S) =>
    ({
      ...given,
      kind: choices.join(' \\| '),
      parse(text: string) {
        if (!choices.includes(text)) throw new Error(`must be one of ${choices.join(', ')}`)
        return text as C[number]
      },
    }) as S & Setting<C[number]>,
  list: <const S extends Common<string[]>>(given: S) =>
    ({
      ...given,
      kind: 'list, comma-separated',
      parse: (text: string) => text.split(',').flatMap((part) => part.trim() || []),
    }) as S & Setting<string[]>,
}

function parseBoolean(text: string): boolean {
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new Error('must be true or false')
}

function parseInteger(text: string, range: { min: number; max: number }): number {
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || value < range.min || value > range.max) {
    throw new Error(`must be a whole number from ${range.min} to ${range.max}`)
  }
  return value
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

function parseDuration(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text)
  if (!match) throw new Error('must be a duration such as 500ms, 30s, 15m or 24h')
  return Number(match[1]) * (UNITS[match[2] as string] as number)
}

/** In the largest unit in which it is whole. */
function showDuration(milliseconds: number): string {
  const units = Object.entries(UNITS).reverse()
  const [unit, size] = units.find(([, each]) => milliseconds % each === 0) ?? ['ms', 1]
  return milliseconds === 0 ? '0s' : `${milliseconds / size}${unit}`
}
