import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { V1DaemonSetList } from '@kubernetes/client-node'
import type { Command } from 'commander'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { CredentialCreated } from '../../protocol/schemas/operator.ts'
import { type ConnectionOptions, readText, withClient, withConnection } from '../connection.ts'
import type { CliEnvironment } from '../environment.ts'
import { installManifest } from '../install/manifest.ts'
import { sampleDeployment } from '../install/sample.ts'
import { printable } from '../output/table.ts'
import { packageVersion } from '../version.ts'

interface Options extends ConnectionOptions {
  gateway?: string
  gatewayCa?: string
  nodeName?: string
  namespace: string[]
  image?: string
  sampleImage: string
  sample?: boolean
  clientId?: string
  clientSecretFile?: string
  kubeconfig?: string
}

const TEMPLATE = new URL('../../../deploy/agent.yaml', import.meta.url)

/** `isthmus node install NODE`: what the owner of the user's cluster applies. */
export function installCommand(node: Command, environment: CliEnvironment): void {
  withConnection(node.command('install <node>'))
    .description('issue an agent credential for a node (id, or tenant/node) and print the agent’s manifest')
    .option('--gateway <url>', 'public listener of the gateway [env: ISTHMUS_GATEWAY]')
    .option('--gateway-ca <path>', 'its CA certificate, PEM; otherwise that of --ca')
    .option(
      '--node-name <name>',
      'name of the Node in the user’s cluster, where it is not the virtual node’s',
    )
    .option('--namespace <namespace...>', 'namespaces whose pods may run there', ['default'])
    .option('--image <image>', 'image of the agent (default: isthmus:<this version>)')
    .option('--client-id <id>', 'use this credential instead of issuing one, with --client-secret-file')
    .option('--client-secret-file <path>', 'its secret')
    .option('--kubeconfig <path>', 'of the user’s cluster: warn of DaemonSets that would come to the node')
    .option('--sample', 'print only a sample Deployment that lands on the node')
    .option('--sample-image <image>', 'image of the sample, with a shell', 'busybox:1.37')
    .addHelpText(
      'after',
      '\nThe manifest holds the credential’s secret: it is shown this once. Warnings go to stderr.\n\nExamples:\n  isthmus node install acme/east --gateway https://gateway:8443 | kubectl apply -f -\n  isthmus node install acme/east --sample | kubectl apply -f -',
    )
    .action(async (reference: string, options: Options) => {
      const nodeName = options.nodeName ?? reference.split('/').at(-1) ?? ''
      checkName(nodeName, options.nodeName === undefined && !reference.includes('/'))
      const sample = sampleDeployment(nodeName, options.sampleImage)
      if (options.sample) {
        environment.stdout.write(sample)
        return
      }
      const { gateway, gatewayCa } = gatewayOf(environment, options)
      if (options.image === undefined) warnOfImage(environment)
      if (options.kubeconfig !== undefined) await warnOfDaemonSets(environment, options.kubeconfig, nodeName)
      const credential = await credentialOf(environment, options, reference)
      const manifest = installManifest(readFileSync(TEMPLATE, 'utf8'), {
        nodeName,
        gateway,
        gatewayCa,
        ...credential,
        image: options.image ?? `isthmus:${packageVersion()}`,
        namespaces: options.namespace,
      })
      environment.stdout.write(`${manifest}---\n${asComment(sample, nodeName)}`)
    })
}

/** Label value and object name at once. @throws IsthmusError bad_request */
function checkName(nodeName: string, isId: boolean): void {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(nodeName) && !isId) return
  const why = isId ? 'is needed where the node is given by its id' : 'must be a DNS-1123 label'
  throw new IsthmusError('bad_request', `--node-name: ${why}`)
}

function gatewayOf(environment: CliEnvironment, options: Options) {
  const gateway = options.gateway ?? environment.env['ISTHMUS_GATEWAY']
  if (gateway === undefined || !URL.canParse(gateway)) {
    throw new IsthmusError('bad_request', '--gateway: the URL is missing (or set ISTHMUS_GATEWAY)')
  }
  const caFile = options.gatewayCa ?? options.ca ?? environment.env['ISTHMUS_CA']
  return { gateway, gatewayCa: caFile === undefined ? undefined : readText(caFile, '--gateway-ca') }
}

async function credentialOf(environment: CliEnvironment, options: Options, node: string) {
  const { clientId, clientSecretFile } = options
  if (clientId !== undefined && clientSecretFile !== undefined) {
    return { clientId, clientSecret: readText(clientSecretFile, '--client-secret-file').trim() }
  }
  if (clientId !== undefined || clientSecretFile !== undefined) {
    throw new IsthmusError('bad_request', '--client-id and --client-secret-file go together')
  }
  const body = { node, kind: 'agent', description: 'isthmus node install' }
  const { body: made } = await withClient(environment, options, (client) =>
    client.call<CredentialCreated>({
      method: 'POST',
      path: ['v1', 'credentials'],
      body,
      idempotencyKey: randomUUID(),
    }),
  )
  return { clientId: made.id, clientSecret: made.clientSecret ?? '' }
}

/** A bare name is pulled from docker.io/library, where no image is ours. */
function warnOfImage(environment: CliEnvironment): void {
  environment.stderr.write(
    `warning: the agent’s image is isthmus:${packageVersion()}: the nodes must have it, or name the one in your registry with --image\n`,
  )
}

async function warnOfDaemonSets(environment: CliEnvironment, path: string, nodeName: string): Promise<void> {
  const { createKubeClient } = await import('../../kube/client/index.ts')
  const { loadOwnKubeconfig } = await import('../../kube/kubeconfig/index.ts')
  const { daemonSetsOn, expectedNode } = await import('../user-cluster/daemon-sets.ts')
  const { TAINT_KEY } = await import('../../agent/node/node-object.ts')
  const { target } = await loadOwnKubeconfig({ path, env: environment.env })
  const client = createKubeClient(target, { userAgent: 'isthmus' })
  try {
    const { items } = await client.json<V1DaemonSetList>({
      method: 'GET',
      path: ['apis', 'apps', 'v1', 'daemonsets'],
    })
    for (const found of daemonSetsOn(expectedNode(nodeName, TAINT_KEY), items)) {
      environment.stderr.write(
        `warning: DaemonSet ${printable(`${found.namespace}/${found.name}`)} would come to the node and its rollouts stop there; keep it off first:\n  ${printable(found.command)}\n`,
      )
    }
  } finally {
    await client.close()
  }
}

function asComment(sample: string, nodeName: string): string {
  const lines = sample.trimEnd().split('\n')
  return [
    `# A Deployment that lands on ${nodeName} (isthmus node install … --sample prints it alone):`,
    ...lines,
  ]
    .map((line) => (line.startsWith('# A ') ? line : `#   ${line}`))
    .concat('')
    .join('\n')
}
