import type { Command } from 'commander'
import { type SettingSources, showSettings } from '../../lib/settings.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { CliEnvironment } from '../environment.ts'
import { type Service, sourcesOf, withSettings } from './service.ts'
import { services } from './services.ts'

interface Shown {
  value: unknown
  origin: string
}

/** `isthmus config gateway|agent|sandbox`: what the service would run with, and where each value comes from. */
export function configCommand(program: Command, environment: CliEnvironment): void {
  const command = program
    .command('config')
    .description('print the effective settings of a service, secrets masked, or every fault in them')
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus config gateway --dev\n  isthmus config agent --config agent.json -o json',
    )
  for (const service of services) {
    const { name, settings } = service
    const one = withSettings(command.command(name), settings)
      .description(`effective settings of isthmus ${name}`)
      .option('-o, --output <format>', 'text or json', 'text')
    one.action((options: { output: string }) => {
      const sources = sourcesOf(one, settings, environment)
      environment.stdout.write(`${render(service, sources, options.output)}\n`)
    })
  }
}

function render({ settings, read: readFrom }: Service, sources: SettingSources, format: string): string {
  const read = readFrom(sources)
  if (format === 'text') return showSettings(settings, read).join('\n')
  if (format !== 'json') throw new IsthmusError('bad_request', `-o ${format}: one of text, json`)
  const shown: Record<string, Shown> = {}
  for (const [key, { flag, secret }] of Object.entries(settings)) {
    const value = (read.values as Record<string, unknown>)[key]
    const masked = secret && value !== undefined ? '********' : value
    shown[flag] = { value: masked ?? null, origin: read.origins[key] ?? 'unset' }
  }
  return JSON.stringify(shown, undefined, 2)
}
