import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { CredentialCreated } from '../../protocol/schemas/operator.ts'
import { type ConnectionOptions, readText, withClient, withConnection } from '../connection.ts'
import { writePrivate } from '../credentials/credential-file.ts'
import type { CliEnvironment } from '../environment.ts'

interface Options extends ConnectionOptions {
  gateway?: string
  gatewayCa?: string
  access: string
  out?: string
}

/** `isthmus kubeconfig NODE`: plain kubectl for a node's Kubernetes face, with tokens that renew themselves. */
export function kubeconfigCommand(program: Command, environment: CliEnvironment): void {
  withConnection(program.command('kubeconfig <node>'))
    .description('issue a client credential for a node (id, or tenant/node) and print a kubeconfig for it')
    .option('--gateway <url>', 'public listener of the gateway [env: ISTHMUS_GATEWAY]')
    .option('--gateway-ca <path>', 'its CA certificate, PEM; otherwise that of --ca')
    .option('--access <access>', 'edit or read-only', 'edit')
    .option('--out <path>', 'write it there (mode 0600) instead of printing it')
    .addHelpText(
      'after',
      '\nExample:\n  isthmus kubeconfig acme/east --gateway https://gateway:8443 --out east.kubeconfig\n  kubectl --kubeconfig east.kubeconfig get pods -A',
    )
    .action(async (node: string, options: Options) => {
      const gateway = options.gateway ?? environment.env['ISTHMUS_GATEWAY']
      if (gateway === undefined)
        throw new IsthmusError('bad_request', '--gateway is missing (or set ISTHMUS_GATEWAY)')
      const caFile = options.gatewayCa ?? options.ca ?? environment.env['ISTHMUS_CA']
      const ca = caFile === undefined ? undefined : readText(caFile, '--gateway-ca')
      const body = { node, kind: 'client', access: options.access, description: 'isthmus kubeconfig' }
      const { body: credential } = await withClient(environment, options, (client) =>
        client.call<CredentialCreated>({
          method: 'POST',
          path: ['v1', 'credentials'],
          body,
          idempotencyKey: randomUUID(),
        }),
      )
      const file = join(environment.configFolder, 'credentials', `${credential.id}.json`)
      const { id: clientId, clientSecret } = credential
      writePrivate(file, { gateway, ca, clientId, clientSecret })
      const text = stringify(kubeconfig(credential, gateway, ca, file))
      if (options.out === undefined) environment.stdout.write(text)
      else writeFileSync(options.out, text, { mode: 0o600 })
    })
}

function kubeconfig(credential: CredentialCreated, server: string, ca: string | undefined, file: string) {
  const name = `${credential.tenant}-${credential.node.replaceAll('/', '-')}`
  const cluster = { server, ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) }
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    // By absolute paths, so that it works where isthmus is not on the PATH.
    command: process.execPath,
    args: [fileURLToPath(new URL('../../../bin/isthmus.js', import.meta.url)), 'token', '--credential', file],
    interactiveMode: 'Never',
    provideClusterInfo: false,
  }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name, user: { exec } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  }
}
