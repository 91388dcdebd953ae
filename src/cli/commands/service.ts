import type { Command } from 'commander'
import { type ReadSettings, type SettingSources, type Settings, showDefault } from '../../lib/settings.ts'
import type { CliEnvironment } from '../environment.ts'
import { CommandEnded } from '../exit-codes.ts'

/** A long-running part of Isthmus that the CLI starts. */
export interface Service {
  name: string
  description: string
  settings: Settings
  /** Reads them and what they demand of each other. @throws SettingsError with every fault */
  read(sources: SettingSources): ReadSettings<Settings>
  /** Runs until a signal ends it, and gives the exit code. Imported when it is started: the noun commands never pay for it. */
  run(sources: SettingSources): Promise<number>
  examples: string
}

/** `isthmus gateway|agent|sandbox`: every setting of the registry is an option. */
export function serviceCommand(program: Command, service: Service, environment: CliEnvironment): void {
  const command = withSettings(program.command(service.name), service.settings)
    .description(service.description)
    .addHelpText(
      'after',
      `\nEvery option has an environment variable, see docs/config.md.\n\nExamples:\n${service.examples}`,
    )
  command.action(async () => {
    throw new CommandEnded(await service.run(sourcesOf(command, service.settings, environment)))
  })
}

/** An option per setting; those that are boolean may stand without a value. */
export function withSettings(command: Command, settings: Settings): Command {
  command.option('--config <path>', 'JSON file with settings, keys as the options are called')
  for (const setting of Object.values(settings)) {
    const { flag, kind, description } = setting
    const standard = showDefault(setting)
    const shown = standard === undefined ? description : `${description} (default: ${standard})`
    command.option(kind === 'boolean' ? `--${flag} [true|false]` : `--${flag} <${placeholder(kind)}>`, shown)
  }
  return command
}

function placeholder(kind: string): string {
  return kind.split(/[ ,]/)[0] ?? kind
}

/** What the command line and the environment say, for `readSettings`. */
export function sourcesOf(command: Command, settings: Settings, environment: CliEnvironment): SettingSources {
  const options = command.opts<Record<string, string | boolean | undefined>>()
  const flags = Object.fromEntries(
    Object.values(settings).map(({ flag }) => [flag, options[camelCase(flag)]]),
  )
  return { flags, env: environment.env, file: options['config'] as string | undefined }
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())
}
