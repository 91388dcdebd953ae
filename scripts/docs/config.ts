import { services } from '../../src/cli/commands/services.ts'
import { settingsTable } from '../../src/lib/settings.ts'
import { GENERATED } from './generated.ts'

/** docs/config.md: every setting of gateway, agent and sandbox, from their registries. */
export function configDocument(): string {
  const parts = services.map(
    ({ name, description, settings }) =>
      `## isthmus ${name}\n\nTo ${description}.\n\n${settingsTable(settings)}`,
  )
  return `${GENERATED}
# Configuration

A setting is given as a flag, as an environment variable, or in a JSON file that \`--config\` names (keys as the flags are called, without dashes). The first that has it wins, in this order; then comes the default. Everything is validated at the start, every fault is listed at once (exit code 2), and unknown flags and keys are faults too. \`isthmus config gateway|agent|sandbox\` prints what a service would run with and where each value comes from, secrets masked.

A duration is a whole number with its unit (\`500ms\`, \`30s\`, \`15m\`, \`24h\`). A boolean flag may stand alone.

${parts.join('\n\n')}
`
}
