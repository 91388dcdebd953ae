import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { GENERATED } from './generated.ts'

const WIDTH = 100

/** docs/cli.md: the help of every command, as it prints it. */
export function cliDocument(): string {
  let printed = ''
  const program = createProgram({
    env: {},
    stdout: { write: (text: string) => (printed += text) },
    stderr: { write: () => true },
    now: Date.now,
    configFolder: '',
  })
  const sections: string[] = []

  function describe(command: Command, names: readonly string[]): void {
    printed = ''
    command.configureHelp({ helpWidth: WIDTH }).outputHelp()
    sections.push(`## ${names.join(' ')}\n\n\`\`\`text\n${printed.trim()}\n\`\`\``)
    for (const sub of command.commands) describe(sub, [...names, sub.name()])
  }
  describe(program, ['isthmus'])

  return `${GENERATED}
# The command line

What \`--help\` prints. The commands of the nouns (tenant, quota, cluster, node, credential, session, usage, audit, operator) speak to the operator face alone, found by \`--server\`, \`--token\` and \`--ca\` or \`ISTHMUS_SERVER\`, \`ISTHMUS_TOKEN\` (or \`ISTHMUS_TOKEN_FILE\`) and \`ISTHMUS_CA\`. The settings of gateway, agent and sandbox are in [config.md](config.md), errors and exit codes in [errors.md](errors.md).

${sections.join('\n\n')}
`
}
