import type { Command } from 'commander'
import type { Cluster } from '../../protocol/schemas/operator.ts'
import { type ConnectionOptions, readText, withConnection, withOutput } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { create, nounCommand, update } from './noun.ts'
import { clusters } from './nouns.ts'

interface RegisterOptions extends ConnectionOptions {
  kubeconfig?: string
  clusterServer?: string
  clusterCa?: string
  clusterToken?: string
  clusterCertificate?: string
  clusterKey?: string
  tlsServerName?: string
  network?: string
}

const optionalText = (path: string | undefined, option: string) =>
  path === undefined ? undefined : readText(path, option)

function registration(options: RegisterOptions): Record<string, string | undefined> {
  return {
    kubeconfig: optionalText(options.kubeconfig, '--kubeconfig'),
    server: options.clusterServer,
    ca: optionalText(options.clusterCa, '--cluster-ca'),
    token: optionalText(options.clusterToken, '--cluster-token')?.trim(),
    clientCertificate: optionalText(options.clusterCertificate, '--cluster-certificate'),
    clientKey: optionalText(options.clusterKey, '--cluster-key'),
    tlsServerName: options.tlsServerName,
    network: options.network,
  }
}

function withRegistration(command: Command): Command {
  return withOutput(withConnection(command))
    .option(
      '--kubeconfig <path>',
      'server, CA and credential from a kubeconfig (no exec plugin, no file paths in it)',
    )
    .option('--cluster-server <url>', 'address of its API server')
    .option('--cluster-ca <path>', 'its CA certificate, PEM')
    .option('--cluster-token <path>', 'file with the token of the gateway’s ServiceAccount there')
    .option('--cluster-certificate <path>', 'client certificate, PEM')
    .option('--cluster-key <path>', 'key of the client certificate, PEM')
    .option('--tls-server-name <name>', 'name in its certificate, where it differs from the address')
    .option(
      '--network <kind>',
      'flat: users’ clusters reach pod addresses; isolated (default): addresses are hidden',
    )
}

/** `isthmus cluster …` */
export function clusterCommand(program: Command, environment: CliEnvironment): void {
  const command = nounCommand(program, clusters, environment)
  withRegistration(command.command('register <name>').alias('create'))
    .description('register a data plane: checks that it answers, its version, the rights and the confinement')
    .addHelpText(
      'after',
      '\nPrepare the data plane with deploy/data-plane.yaml first.\n\nExample:\n  isthmus cluster register dp-1 --kubeconfig gateway.kubeconfig --network flat',
    )
    .action(async (name: string, options: RegisterOptions) => {
      await create<Cluster>(environment, clusters, options, { name, ...registration(options) })
    })
  withRegistration(command.command('update <name>'))
    .description('change its address, credential or network; what is new is checked first')
    .action((name: string, options: RegisterOptions) =>
      update(environment, clusters, name, options, registration(options)),
    )
  for (const [verb, maintenance, what] of [
    ['maintenance', true, 'no new pods; what runs keeps running, and every node says so'],
    ['activate', false, 'end maintenance'],
  ] as const) {
    withOutput(withConnection(command.command(`${verb} <name>`)))
      .description(what)
      .action((name: string, options: ConnectionOptions) =>
        update(environment, clusters, name, options, { maintenance }),
      )
  }
}
