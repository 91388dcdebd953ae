import type { Command } from 'commander'
import { AGENT_PROTOCOL_VERSIONS } from '../../protocol/schemas/agent.ts'
import { type ConnectionOptions, outputFormat, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { printOne } from '../output/print.ts'
import { packageVersion } from '../version.ts'

interface Version {
  isthmus: string
  node: string
  /** Version of the Kubernetes API whose schema is built in. */
  kubernetesSchema: string
  /** Versions of the agent face that this code speaks. */
  agentProtocol: number[]
}

/** `isthmus version` */
export function versionCommand(program: Command, environment: CliEnvironment): void {
  withOutput(program.command('version'))
    .description('print the version of isthmus, of Node.js and of what both ends must share')
    .addHelpText('after', '\nExample:\n  isthmus version -o json')
    .action(async (options: ConnectionOptions) => {
      const format = outputFormat(options)
      const { schemaVersion } = await import('../../kube/schema/index.ts')
      const version: Version = {
        isthmus: packageVersion(),
        node: process.versions.node,
        kubernetesSchema: schemaVersion,
        agentProtocol: [...AGENT_PROTOCOL_VERSIONS],
      }
      const text = printOne(format, version, {
        name: (row) => row.isthmus,
        columns: [
          { heading: 'ISTHMUS', cell: (row) => row.isthmus },
          { heading: 'NODE.JS', cell: (row) => row.node },
          { heading: 'KUBERNETES SCHEMA', cell: (row) => row.kubernetesSchema },
          { heading: 'AGENT PROTOCOL', cell: (row) => row.agentProtocol.join(', ') },
        ],
      })
      environment.stdout.write(`${text}\n`)
    })
}
